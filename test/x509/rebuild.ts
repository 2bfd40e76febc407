// SPDX-License-Identifier: Apache-2.0
/** Takes a certificate apart, lets a test change a part of any length, and puts it together again. */
import { DerCursor } from '../../src/x509/der.ts';
import { bits, sequence, tlv } from '../support/der.ts';

/** The eight parts of a TBSCertificate as version 3 has them; extensions by themselves. */
export interface CertificateParts {
  version: Buffer;
  serial: Buffer;
  algorithm: Buffer;
  issuer: Buffer;
  validity: Buffer;
  subject: Buffer;
  spki: Buffer;
  extensions: Buffer[];
  outerAlgorithm: Buffer;
}

export function rebuild(
  der: Buffer,
  change: (parts: CertificateParts) => Partial<CertificateParts>,
  sign: (tbs: Buffer) => Buffer,
): Buffer {
  const [tbs, outerAlgorithm] = elementsOf(der) as [Buffer, Buffer];
  const [version, serial, algorithm, issuer, validity, subject, spki, wrapper] = elementsOf(tbs) as EightBuffers;
  const extensions = elementsOf(elementsOf(wrapper)[0]!);
  const before = { version, serial, algorithm, issuer, validity, subject, spki, extensions, outerAlgorithm };
  const after = { ...before, ...change(before) };
  const fields = [
    after.version,
    after.serial,
    after.algorithm,
    after.issuer,
    after.validity,
    after.subject,
    after.spki,
  ];
  const changed = sequence(...fields, tlv(0xa3, sequence(...after.extensions)));
  return sequence(changed, after.outerAlgorithm, bits(sign(changed)));
}

type EightBuffers = [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];

/** What stands inside the element that `der` is. */
export function elementsOf(der: Buffer): Buffer[] {
  const outer = new DerCursor(der).next('element');
  const cursor = new DerCursor(der, outer.from, outer.to);
  const found: Buffer[] = [];
  while (cursor.more) found.push(cursor.next('element').element());
  return found;
}
