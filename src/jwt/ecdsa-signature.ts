// SPDX-License-Identifier: Apache-2.0
/**
 * ECDSA signatures as JWS has them, R and S side by side at full length (RFC 7518 section 3.4), and as OpenSSL has them, a
 * SEQUENCE of two INTEGERs (RFC 3279 section 2.2.3). node:crypto converts too (`dsaEncoding`), but takes the key apart for it each
 * time, which costs twice as much as the signature.
 */
import { Failure } from '../lib/failure.ts';

const SEQUENCE = 0x30;
const INTEGER = 0x02;
/** DER: this bit begins a length of several bytes; in an INTEGER it is the sign. */
const HIGH_BIT = 0x80;

/** `half` is the length of R and of S. Throws on what OpenSSL does not write. */
export function toRaw(der: Buffer, half: number): Buffer {
  const raw = Buffer.alloc(2 * half);
  // P-521 makes more than 127 bytes.
  const start = der[1] === (HIGH_BIT | 1) ? 3 : 2;
  const length = der[start - 1];
  let at = start;
  for (const end of [half, 2 * half]) {
    const size = der[at + 1] ?? 0;
    const value = der.subarray(at + 2, at + 2 + size);
    const digits = value[0] === 0 ? value.subarray(1) : value;
    // guard: JWT-20 test/jwt/ecdsa-signature.test.ts
    if (der[at] !== INTEGER || size === 0 || value.length !== size || digits.length > half) throw unreadable();
    digits.copy(raw, end - digits.length);
    at += 2 + size;
  }
  // guard: JWT-20 test/jwt/ecdsa-signature.test.ts
  if (der[0] !== SEQUENCE || at !== der.length || length !== der.length - start) throw unreadable();
  return raw;
}

/** The other way; `raw` has an even length. */
export function toDer(raw: Buffer): Buffer {
  const half = raw.length / 2;
  const body = Buffer.concat([integer(raw.subarray(0, half)), integer(raw.subarray(half))]);
  const head = body.length < HIGH_BIT ? [SEQUENCE, body.length] : [SEQUENCE, HIGH_BIT | 1, body.length];
  return Buffer.concat([Buffer.from(head), body]);
}

/** Positive and as short as can be. */
function integer(bytes: Buffer): Buffer {
  let first = 0;
  while (first < bytes.length - 1 && bytes[first] === 0) first += 1;
  const digits = bytes.subarray(first);
  const sign = (digits[0] ?? 0) & HIGH_BIT ? [0] : [];
  return Buffer.concat([Buffer.from([INTEGER, sign.length + digits.length, ...sign]), digits]);
}

function unreadable(): Failure {
  return new Failure('internal', 'SIGNER_UNFIT', 'the signer gave no ECDSA signature');
}
