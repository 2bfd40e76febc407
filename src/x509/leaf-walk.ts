// SPDX-License-Identifier: Apache-2.0
/**
 * The look at every leaf of a template after its first (I2). The first was decoded, compared value by value with what
 * was meant, and its signature verified (`leaf-check.ts`). What never varies between the leaves of one template must
 * stand in the next ones byte for byte as it stood there; what varies is compared with what was meant. So each is read
 * in full, by the same strict reader, at a tenth of what decoding costs.
 */
import { Failure } from '../lib/failure.ts';
import { DerCursor, TAG } from './der.ts';
import { readTime } from './der-time.ts';
import { readBytesAsBits } from './der-values.ts';
import { differs, type LeafIntent, SELF_CHECK } from './leaf-check.ts';
import * as OID from './oids.ts';
import type { ParsedCertificate } from './parse.ts';

/** The parts of a proven leaf that every other of its template shares, as they are encoded. */
export interface LeafPattern {
  readonly version: Buffer;
  readonly algorithm: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly extensions: readonly Buffer[];
  /** Which of the extensions ends with the key identifier, which varies. */
  readonly skiAt: number;
}

export function patternOf(proven: ParsedCertificate): LeafPattern {
  // Copied, as what was minted now belongs to the caller.
  const tbs = new DerCursor(Buffer.from(proven.tbs)).enter(TAG.sequence, 'tbsCertificate');
  const version = tbs.next('version').element();
  tbs.next('serialNumber');
  const algorithm = tbs.next('signature').element();
  const issuer = tbs.next('issuer').element();
  tbs.next('validity');
  const subject = tbs.next('subject').element();
  tbs.next('subjectPublicKeyInfo');
  const list = tbs.enter(0xa3, 'extensions').enter(TAG.sequence, 'extensions');
  const extensions: Buffer[] = [];
  while (list.more) extensions.push(list.next('extension').element());
  const skiAt = proven.extensions.findIndex(({ oid }) => oid === OID.SUBJECT_KEY_ID);
  return { version, algorithm, issuer, subject, extensions, skiAt };
}

/** Throws SVID_SELF_CHECK with the field that differs. */
export function walkLeaf(der: Buffer, pattern: LeafPattern, intent: LeafIntent): void {
  try {
    walk(der, pattern, intent);
  } catch (error) {
    throw error instanceof Failure && error.reason === SELF_CHECK ? error : differs('encoding', error);
  }
}

function walk(der: Buffer, pattern: LeafPattern, intent: LeafIntent): void {
  const whole = new DerCursor(der);
  const parts = whole.enter(TAG.sequence, 'certificate');
  whole.finish('certificate');
  const tbs = parts.enter(TAG.sequence, 'tbsCertificate');
  must(isNext(parts, pattern.algorithm), 'signature algorithm');
  readBytesAsBits(parts, 'signatureValue');
  parts.finish('certificate');

  must(isNext(tbs, pattern.version), 'version');
  tbs.expect(TAG.integer, 'serialNumber');
  must(isSame(der, tbs.from, tbs.to, intent.serial), 'serial');
  must(isNext(tbs, pattern.algorithm), 'signature algorithm');
  must(isNext(tbs, pattern.issuer), 'issuer');
  walkValidity(tbs.enter(TAG.sequence, 'validity'), intent);
  must(isNext(tbs, pattern.subject), 'subject');
  must(isNext(tbs, intent.key.spki), 'public key');
  const wrapper = tbs.enter(0xa3, 'extensions');
  tbs.finish('tbsCertificate');
  const extensions = wrapper.enter(TAG.sequence, 'extensions');
  wrapper.finish('extensions');
  walkExtensions(extensions, pattern, intent.ski);
}

function walkValidity(validity: DerCursor, { notAfter, notBefore }: LeafIntent): void {
  must(readTime(validity, 'notBefore') === notBefore, 'notBefore');
  must(readTime(validity, 'notAfter') === notAfter, 'notAfter');
  validity.finish('validity');
}

function walkExtensions(extensions: DerCursor, pattern: LeafPattern, ski: Buffer): void {
  for (let i = 0; i < pattern.extensions.length; i++) {
    const proven = pattern.extensions[i]!;
    if (i === pattern.skiAt) walkKeyId(extensions, proven, ski);
    else must(isNext(extensions, proven), 'extensions');
  }
  extensions.finish('extensions');
}

/** The extension as it was, but for the identifier at its end. */
function walkKeyId(extensions: DerCursor, proven: Buffer, ski: Buffer): void {
  const { bytes, start, to } = extensions.next('subjectKeyIdentifier');
  const valueAt = to - ski.length;
  must(to - start === proven.length && isSame(bytes, valueAt, to, ski), 'subject key identifier');
  for (let i = start; i < valueAt; i++) must(bytes[i] === proven[i - start], 'subject key identifier');
}

/** Reads the next element: is it `expected`, tag and length included? */
function isNext(cursor: DerCursor, expected: Buffer): boolean {
  const { bytes, start, to } = cursor.next('certificate');
  return isSame(bytes, start, to, expected);
}

function isSame(bytes: Buffer, from: number, to: number, expected: Buffer): boolean {
  if (to - from !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) if (bytes[from + i] !== expected[i]) return false;
  return true;
}

function must(holds: boolean, field: string): void {
  // guard: I2 test/x509/self-check.test.ts
  if (!holds) throw differs(field);
}
