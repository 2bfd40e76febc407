// SPDX-License-Identifier: Apache-2.0
/** Puts a TBSCertificate together (RFC 5280 section 4.1) and wraps a signed one. */

import type { Node } from './asn1.ts';
import * as asn1 from './asn1.ts';
import { TAG } from './der.ts';
import { timeText } from './der-time.ts';

export interface TbsParts {
  readonly serial: Buffer;
  /** AlgorithmIdentifier, DER. */
  readonly signatureAlgorithm: Buffer;
  readonly issuer: Node;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly subject: Node;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  readonly extensions: Node[];
}

export function encodeTbs(parts: TbsParts): Buffer {
  return asn1.encode(
    asn1.sequence(
      asn1.tagged(0, asn1.integer(Buffer.from([2]))),
      asn1.integer(parts.serial),
      asn1.decoded(parts.signatureAlgorithm),
      parts.issuer,
      asn1.sequence(asn1.time(timeText(parts.notBefore)), asn1.time(timeText(parts.notAfter))),
      parts.subject,
      asn1.decoded(parts.spki),
      asn1.tagged(3, asn1.sequence(...parts.extensions)),
    ),
  );
}

/** The certificate: what was signed, how, and the signature. */
export function wrapSigned(tbs: Buffer, signatureAlgorithm: Buffer, signature: Buffer): Buffer {
  const bits = 1 + signature.length;
  const content = tbs.length + signatureAlgorithm.length + headerBytes(bits) + bits;
  const whole = Buffer.allocUnsafe(headerBytes(content) + content);
  let at = writeHeader(whole, 0, TAG.sequence, content);
  whole.set(tbs, at);
  at += tbs.length;
  whole.set(signatureAlgorithm, at);
  at += signatureAlgorithm.length;
  at = writeHeader(whole, at, TAG.bitString, bits);
  // No bit of the last byte is unused.
  whole[at] = 0;
  whole.set(signature, at + 1);
  return whole;
}

/** Of tag and shortest length, for less than 64 KiB. */
function headerBytes(length: number): number {
  return length < 0x80 ? 2 : length < 0x100 ? 3 : 4;
}

/** Gives back where the content goes. */
function writeHeader(into: Buffer, at: number, tag: number, length: number): number {
  const size = headerBytes(length);
  into[at] = tag;
  into[at + 1] = size === 2 ? length : 0x80 + size - 2;
  if (size === 3) into[at + 2] = length;
  if (size === 4) into.writeUInt16BE(length, at + 2);
  return at + size;
}
