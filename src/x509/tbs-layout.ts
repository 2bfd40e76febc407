// SPDX-License-Identifier: Apache-2.0
/** Where in an encoded TBSCertificate the parts stand that differ from one certificate to the next. */
import { DerCursor, TAG } from './der.ts';
import { readOid } from './der-oid.ts';
import * as OID from './oids.ts';

/** Offsets of content, and of the whole SubjectPublicKeyInfo. */
export interface TbsLayout {
  readonly serial: number;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: number;
  readonly ski: number;
}

export function layoutOf(tbs: Buffer): TbsLayout {
  const signed = new DerCursor(tbs).enter(TAG.sequence, 'tbsCertificate');
  signed.expect(0xa0, 'version');
  const serial = signed.expect(TAG.integer, 'serialNumber').from;
  signed.expect(TAG.sequence, 'signature');
  signed.expect(TAG.sequence, 'issuer');
  const validity = signed.enter(TAG.sequence, 'validity');
  const notBefore = validity.next('notBefore').from;
  const notAfter = validity.next('notAfter').from;
  signed.expect(TAG.sequence, 'subject');
  const spki = signed.expect(TAG.sequence, 'subjectPublicKeyInfo').start;
  const extensions = signed.enter(0xa3, 'extensions').enter(TAG.sequence, 'extensions');
  return { serial, notBefore, notAfter, spki, ski: subjectKeyIdAt(extensions) };
}

/** Ours is not critical, so the value follows the identifier. */
function subjectKeyIdAt(extensions: DerCursor): number {
  for (;;) {
    const extension = extensions.enter(TAG.sequence, 'extension');
    if (readOid(extension, 'extension') !== OID.SUBJECT_KEY_ID) continue;
    const value = extension.enter(TAG.octetString, 'subjectKeyIdentifier');
    return value.expect(TAG.octetString, 'subjectKeyIdentifier').from;
  }
}
