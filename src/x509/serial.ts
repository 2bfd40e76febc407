// SPDX-License-Identifier: Apache-2.0
/** Serial numbers (X509-29): 126 random bits in 16 bytes, positive, in shortest form, all of one length. */
import type { Random } from '../lib/random.ts';

export const SERIAL_BYTES = 16;
/** Random bytes are asked for in this many serials at once: one call costs as much as eight of these serials. */
const DRAWN_AT_ONCE = 64;

interface Drawn {
  readonly bytes: Buffer;
  at: number;
}

/** Serials are public, so it does no harm that the next ones lie in memory. */
const drawn = new WeakMap<Random, Drawn>();

export function newSerial(random: Random): Buffer {
  const { at, bytes } = next(random);
  const serial = bytes.subarray(at, at + SERIAL_BYTES);
  // guard: X509-29 test/x509/serial.test.ts — a set top bit would make it negative, a zero byte not the shortest form
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
}

/** No two callers get the same bytes, as nothing is awaited between taking and stepping on. */
function next(random: Random): Drawn {
  const held = drawn.get(random);
  if (held !== undefined && held.at + SERIAL_BYTES < held.bytes.length) {
    held.at += SERIAL_BYTES;
    return held;
  }
  const fresh = { bytes: random.bytes(DRAWN_AT_ONCE * SERIAL_BYTES), at: 0 };
  drawn.set(random, fresh);
  return fresh;
}
