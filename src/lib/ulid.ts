// SPDX-License-Identifier: Apache-2.0
/** Names that sort by the time they were made (github.com/ulid/spec): 48 bits of milliseconds, 80 bits of chance; in lower case. */
import type { Random } from './random.ts';

/** Crockford's base 32: no i, l, o, u. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/** `now`: milliseconds UTC. 26 characters. */
export function ulid(now: number, random: Random): string {
  const chance = BigInt(`0x${random.bytes(10).toString('hex')}`);
  let left = (BigInt(now) << 80n) | chance;
  let text = '';
  for (let at = 0; at < 26; at += 1) {
    text = DIGITS[Number(left & 31n)] + text;
    left >>= 5n;
  }
  return text;
}
