// SPDX-License-Identifier: Apache-2.0
/** Writes DER elements of any length (X.690 section 10.1): definite, in the shortest form. */

export function element(tag: number, ...content: readonly Buffer[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([header(tag, length), ...content]);
}

/** A positive INTEGER from its bytes, a zero before them where the first would make it negative. */
export function unsigned(bytes: Buffer): Buffer {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from += 1;
  const shortest = bytes.subarray(from);
  return (shortest[0] as number) < 0x80 ? element(0x02, shortest) : element(0x02, Buffer.of(0), shortest);
}

function header(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.of(tag, length);
  const digits = Buffer.alloc(4);
  digits.writeUInt32BE(length);
  const from = digits.findIndex((byte) => byte !== 0);
  return Buffer.concat([Buffer.of(tag, 0x80 + 4 - from), digits.subarray(from)]);
}
