// SPDX-License-Identifier: Apache-2.0
/**
 * Reads an X.509 version 3 certificate in strict DER (RFC 5280 section 4.1). It decides what the bytes say, not
 * whether they are trusted: that is `verify.ts`. Anything that two readers could understand differently is refused
 * with CERTIFICATE_INVALID. Buffers in the answer share memory with the input, which must not change afterwards.
 */
import { DerCursor, invalid, TAG } from './der.ts';
import { readDistinguishedName } from './der-name.ts';
import { readOid } from './der-oid.ts';
import { readTime } from './der-time.ts';
import { readBytesAsBits, readUnsigned } from './der-values.ts';
import { type CertificateExtensions, readExtensions } from './parse-extensions.ts';

export type { GeneralName, KeyUsage, NameConstraints } from './parse-extensions.ts';

/** Four times the largest honest one: RSA-4096 with a hundred DNS names. */
export const CERTIFICATE_MAX_BYTES = 65_536;
/** RFC 5280 section 4.1.2.2. */
const SERIAL_MAX_BYTES = 20;
const VERSION_3 = 2;

export interface ParsedCertificate extends CertificateExtensions {
  readonly der: Buffer;
  /** The bytes that are signed. */
  readonly tbs: Buffer;
  /** Lower-case hex, whole bytes, no leading zero byte. */
  readonly serial: string;
  readonly serialBytes: Buffer;
  /** AlgorithmIdentifier, the same inside and outside the signed part. */
  readonly signatureAlgorithm: Buffer;
  readonly sigAlgOid: string;
  readonly signature: Buffer;
  readonly issuerDer: Buffer;
  readonly subjectDer: Buffer;
  /** Milliseconds UTC. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo. */
  readonly spki: Buffer;
  /** The key's bits alone, from which a key identifier is made. */
  readonly publicKeyBits: Buffer;
}

export function parseCertificate(der: Buffer): ParsedCertificate {
  // guard: I9 test/x509/parse.test.ts
  if (der.length > CERTIFICATE_MAX_BYTES)
    throw invalid('certificate', `it is larger than ${CERTIFICATE_MAX_BYTES} bytes`);
  const whole = new DerCursor(der);
  const parts = whole.enter(TAG.sequence, 'certificate');
  whole.finish('certificate');

  const signed = parts.enter(TAG.sequence, 'tbsCertificate');
  const tbs = parts.element();
  const outer = readAlgorithm(parts, 'signatureAlgorithm');
  const signature = readBytesAsBits(parts, 'signatureValue');
  parts.finish('certificate');

  readVersion(signed);
  const serialBytes = readUnsigned(signed, 'serialNumber', SERIAL_MAX_BYTES);
  const inner = readAlgorithm(signed, 'tbsCertificate.signature');
  // guard: X509-16 test/x509/parse.test.ts — RFC 5280 4.1.1.2; the outer one is not signed
  if (!inner.der.equals(outer.der)) throw invalid('signatureAlgorithm', 'it differs from the one that is signed');
  const issuerDer = readDistinguishedName(signed, 'issuer');
  const validity = signed.enter(TAG.sequence, 'validity');
  const notBefore = readTime(validity, 'notBefore');
  const notAfter = readTime(validity, 'notAfter');
  validity.finish('validity');
  // guard: X509-16 test/x509/parse.test.ts
  if (notAfter < notBefore) throw invalid('validity', 'it ends before it begins');
  const subjectDer = readDistinguishedName(signed, 'subject');
  const key = readPublicKey(signed);
  const extensions = readExtensions(signed);
  signed.finish('tbsCertificate');

  return {
    der,
    tbs,
    serial: serialBytes.toString('hex'),
    serialBytes,
    signatureAlgorithm: inner.der,
    sigAlgOid: inner.oid,
    signature,
    issuerDer,
    subjectDer,
    notBefore,
    notAfter,
    spki: key.spki,
    publicKeyBits: key.bits,
    ...extensions,
  };
}

/** Certificates that stand one behind the other, as on the Workload API; nothing else may stand there (CLI-05). */
export function splitCertificates(der: Buffer): Buffer[] {
  const cursor = new DerCursor(der);
  const found: Buffer[] = [];
  while (cursor.more) found.push(cursor.expect(TAG.sequence, `certificate ${found.length + 1}`).element());
  return found;
}

/** Extensions came with version 3, and an SVID lives in them. */
function readVersion(signed: DerCursor): void {
  const version = signed.enter(0xa0, 'version');
  const number = readUnsigned(version, 'version', 1);
  version.finish('version');
  // guard: X509-16 test/x509/parse.test.ts
  if (number[0] !== VERSION_3) throw invalid('version', 'only version 3 is read');
}

/** Parameters are a NULL, a curve's name, or a structure that is compared as a whole where it counts. */
function readAlgorithm(cursor: DerCursor, what: string): { oid: string; der: Buffer } {
  const algorithm = cursor.enter(TAG.sequence, what);
  const oid = readOid(algorithm, what);
  if (algorithm.upcoming === TAG.oid) readOid(algorithm, what);
  else if (algorithm.upcoming === TAG.sequence) algorithm.next(what);
  else if (algorithm.more && algorithm.expect(TAG.null, what).to !== algorithm.from)
    throw invalid(what, 'a NULL is empty');
  algorithm.finish(what);
  return { oid, der: cursor.element() };
}

function readPublicKey(cursor: DerCursor): { spki: Buffer; bits: Buffer } {
  const info = cursor.enter(TAG.sequence, 'subjectPublicKeyInfo');
  const spki = cursor.element();
  readAlgorithm(info, 'subjectPublicKeyInfo.algorithm');
  const bits = readBytesAsBits(info, 'subjectPublicKey');
  info.finish('subjectPublicKeyInfo');
  return { spki, bits };
}
