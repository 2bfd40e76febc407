// SPDX-License-Identifier: Apache-2.0
/** Single DER values read strictly: BOOLEAN, INTEGER, BIT STRING, IA5 text. */
import { type DerCursor, invalid, TAG } from './der.ts';

/** A field that is FALSE when absent: then DER forbids to write the FALSE (X.690 section 11.5). */
export function readDefaultFalse(cursor: DerCursor, what: string): boolean {
  if (!cursor.optional(TAG.boolean, what)) return false;
  if (cursor.to - cursor.from !== 1) throw invalid(what, 'a BOOLEAN has one byte');
  // guard: X509-16 test/x509/parse.test.ts — X.690 11.1: TRUE is 0xff
  if (cursor.bytes[cursor.from] !== 0xff) throw invalid(what, 'a BOOLEAN that is written is TRUE, as 0xff');
  return true;
}

/** Content of an INTEGER, shortest form (X.690 section 8.3.2) and not negative, without a leading zero byte. */
export function readUnsigned(cursor: DerCursor, what: string, maxBytes: number): Buffer {
  const { bytes, from, to } = cursor.expect(TAG.integer, what);
  if (to === from) throw invalid(what, 'an INTEGER has at least one byte');
  const first = bytes[from]!;
  // guard: X509-29 test/x509/parse.test.ts
  if (first >= 0x80) throw invalid(what, 'it is negative');
  if (to - from > maxBytes) throw invalid(what, `it is longer than ${maxBytes} bytes`);
  if (first !== 0 || to - from === 1) return bytes.subarray(from, to);
  // guard: X509-16 test/x509/parse.test.ts
  if (bytes[from + 1]! < 0x80) throw invalid(what, 'the INTEGER is not in its shortest form');
  return bytes.subarray(from + 1, to);
}

/** A small INTEGER, such as a path length. */
export function readSmall(cursor: DerCursor, what: string): number {
  const content = readUnsigned(cursor, what, 4);
  return content.readUIntBE(0, content.length);
}

/** A BIT STRING of whole bytes: keys and signatures. */
export function readBytesAsBits(cursor: DerCursor, what: string): Buffer {
  cursor.expect(TAG.bitString, what);
  if (cursor.to - cursor.from < 2) throw invalid(what, 'it is empty');
  // guard: X509-16 test/x509/parse.test.ts
  if (cursor.bytes[cursor.from] !== 0) throw invalid(what, 'it is not a whole number of bytes');
  return cursor.bytes.subarray(cursor.from + 1, cursor.to);
}

/** A named bit list of at most 16 bits, first bit highest; trailing zero bits are left out in DER (X.690 11.2.2). */
export function readNamedBits(cursor: DerCursor, what: string): number {
  const { bytes, from, to } = cursor.expect(TAG.bitString, what);
  const count = to - from - 1;
  if (count < 1 || count > 2) throw invalid(what, 'it has no bits, or more than are known');
  const unused = bytes[from]!;
  const last = bytes[to - 1]!;
  // guard: X509-16 test/x509/parse.test.ts
  if (unused > 7 || (last & ((2 << unused) - 1)) !== 1 << unused)
    throw invalid(what, 'its last bit is not its last set bit');
  return (bytes[from + 1]! << 8) | (count === 2 ? last : 0);
}

/** IA5 text without control characters: a NUL in a name is read differently by different readers. */
export function readName(cursor: DerCursor, what: string): string {
  const { bytes, from, to } = cursor;
  if (from === to) throw invalid(what, 'it is empty');
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    // guard: X509-16 test/x509/parse.test.ts
    if (byte < 0x20 || byte > 0x7e) throw invalid(what, 'it holds a control character or is not ASCII');
  }
  return bytes.toString('latin1', from, to);
}
