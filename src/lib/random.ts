// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';

/** Randomness as an argument. */
export interface Random {
  /** `count` bytes fit for keys and serials. */
  bytes(count: number): Buffer;
  /** Uniform in [0, 1), 48 bits of it; for jitter. */
  fraction(): number;
}

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};
