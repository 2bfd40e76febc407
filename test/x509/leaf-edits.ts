// SPDX-License-Identifier: Apache-2.0
/** Each thing that can be wrong with a leaf that our template and signer should have made, of any length. */
import type { Signer } from '../../src/x509/types.ts';
import { newWorkloadKey, type WorkloadKey } from '../../src/x509/workload-key.ts';
import { bits, bool, integer, octets, oid, sequence, set, time, tlv, utf8 } from '../support/der.ts';
import { type CertificateParts, elementsOf } from './rebuild.ts';
import { HOUR, NOW } from './signer.ts';

export type Edit = (parts: CertificateParts) => Partial<CertificateParts>;
const EXTENSION = { keyUsage: 0, extKeyUsage: 1, basicConstraints: 2, ski: 3, aki: 4, san: 5 } as const;
const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [bool(true)] : []), octets(value));
const withExtension =
  (which: keyof typeof EXTENSION, changed: Buffer): Edit =>
  ({ extensions }) => ({ extensions: extensions.with(EXTENSION[which], changed) });
const without =
  (which: keyof typeof EXTENSION): Edit =>
  ({ extensions }) => ({ extensions: extensions.toSpliced(EXTENSION[which], 1) });
const adding =
  (extra: Buffer): Edit =>
  ({ extensions }) => ({ extensions: [...extensions, extra] });
const san = (...names: [number, string][]): Edit =>
  withExtension(
    'san',
    extension('2.5.29.17', false, sequence(...names.map(([tag, name]) => tlv(tag, Buffer.from(name))))),
  );
const DNS: [number, string][] = [
  [0x82, 'a.example'],
  [0x82, 'b.example'],
];
const URI: [number, string] = [0x86, 'spiffe://example.org/web'];

/** What a template or signer gone wrong could produce, and the field the check names. */
export const leafEdits = (signer: Signer): [string, string, Edit][] => [
  ['another serial', 'serial', () => ({ serial: integer(Buffer.alloc(16, 0x41)) })],
  [
    'another algorithm',
    'signature algorithm',
    () => ({ algorithm: sequence(oid('1.2.840.10045.4.3.3')), outerAlgorithm: sequence(oid('1.2.840.10045.4.3.3')) }),
  ],
  ['another issuer', 'issuer', () => ({ issuer: sequence(set(sequence(oid('2.5.4.10'), utf8('Evil')))) })],
  ['an earlier start', 'notBefore', () => ({ validity: sequence(time(NOW - HOUR), time(NOW + HOUR)) })],
  ['a later end', 'notAfter', () => ({ validity: sequence(time(NOW - 10_000), time(NOW + 2 * HOUR)) })],
  ['another subject', 'subject', () => ({ subject: sequence(set(sequence(oid('2.5.4.10'), utf8('Assay')))) })],
  ['an empty subject', 'subject', () => ({ subject: sequence() })],
  ['another key', 'public key', () => ({ spki: (newWorkloadKey('ec-p256') as WorkloadKey).spki })],
  ['another ID', 'URI SAN', san(...DNS, [0x86, 'spiffe://example.org/web2'])],
  ['an ID in upper case', 'URI SAN', san(...DNS, [0x86, 'spiffe://example.org/Web'])],
  ['two IDs', 'URI SAN', san(...DNS, URI, [0x86, 'spiffe://example.org/b'])],
  ['no ID', 'URI SAN', san(...DNS)],
  ['no SAN', 'URI SAN', without('san')],
  ['one DNS name more', 'DNS SAN', san(...DNS, [0x82, 'c.example'], URI)],
  ['one DNS name less', 'DNS SAN', san([0x82, 'a.example'], URI)],
  ['DNS names in another order', 'DNS SAN', san(...DNS.toReversed(), URI)],
  ['a mail address', 'SAN', san(...DNS, [0x81, 'a@b'], URI)],
  ['an IP address', 'SAN', san(...DNS, [0x87, '\x0a\0\0\x01'], URI)],
  [
    'a critical SAN',
    'criticality of SAN',
    ({ extensions }) => ({ extensions: extensions.with(5, critical(extensions[5]!)) }),
  ],
  [
    'another key identifier',
    'subject key identifier',
    withExtension('ski', extension('2.5.29.14', false, octets(Buffer.alloc(20)))),
  ],
  ['no key identifier', 'subject key identifier', without('ski')],
  [
    'another authority key identifier',
    'authority key identifier',
    withExtension('aki', extension('2.5.29.35', false, sequence(tlv(0x80, Buffer.alloc(20))))),
  ],
  ['no authority key identifier', 'authority key identifier', without('aki')],
  [
    'an authority key identifier that names a certificate too',
    'authority key identifier',
    withExtension(
      'aki',
      extension('2.5.29.35', false, sequence(tlv(0x80, signer.ski), tlv(0xa1), tlv(0x82, Buffer.from([1])))),
    ),
  ],
  ['a CA', 'value of 2.5.29.19', withExtension('basicConstraints', extension('2.5.29.19', true, sequence(bool(true))))],
  [
    'basic constraints that are not critical',
    'criticality of 2.5.29.19',
    withExtension('basicConstraints', extension('2.5.29.19', false, sequence())),
  ],
  ['no basic constraints', 'set of extensions', without('basicConstraints')],
  [
    'keyCertSign',
    'value of 2.5.29.15',
    withExtension('keyUsage', extension('2.5.29.15', true, bits(Buffer.from([0x84]), 2))),
  ],
  [
    'a key usage that is not critical',
    'criticality of 2.5.29.15',
    withExtension('keyUsage', extension('2.5.29.15', false, bits(Buffer.from([0x80]), 7))),
  ],
  ['no key usage', 'set of extensions', without('keyUsage')],
  [
    'one purpose only',
    'value of 2.5.29.37',
    withExtension('extKeyUsage', extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1')))),
  ],
  [
    'any purpose',
    'value of 2.5.29.37',
    withExtension('extKeyUsage', extension('2.5.29.37', false, sequence(oid('2.5.29.37.0')))),
  ],
  ['no purpose', 'set of extensions', without('extKeyUsage')],
  [
    'a critical key identifier',
    'criticality of 2.5.29.14',
    ({ extensions }) => ({ extensions: extensions.with(3, critical(extensions[3]!)) }),
  ],
  [
    'a critical authority key identifier',
    'criticality of 2.5.29.35',
    ({ extensions }) => ({ extensions: extensions.with(4, critical(extensions[4]!)) }),
  ],
  ['an extension more', 'set of extensions', adding(extension('1.2.3.4', false, octets(Buffer.from('x'))))],
  [
    'name constraints',
    'set of extensions',
    adding(extension('2.5.29.30', true, sequence(tlv(0xa0, sequence(tlv(0x86, Buffer.from('a'))))))),
  ],
  [
    'an extension in the place of another',
    'set of extensions',
    withExtension('extKeyUsage', extension('1.2.3.4', false, octets(Buffer.alloc(0)))),
  ],
  ['an encoding that is not DER', 'encoding', ({ extensions }) => ({ extensions: [...extensions, extensions[0]!] })],
];

/** The extension, marked critical. */
function critical(element: Buffer): Buffer {
  const [id, value] = elementsOf(element) as [Buffer, Buffer];
  return sequence(id, bool(true), value);
}
