// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseCertificate, splitCertificates } from '../../src/x509/parse.ts';
import { tlv } from '../support/der.ts';
import { refusalOf } from '../support/refusal.ts';
import { KU, TestCa } from '../support/test-ca.ts';

interface Museum {
  good: string;
  hostile: { name: string; reason: string; der: string }[];
}
const museum = JSON.parse(readFileSync(new URL('../vectors/x509/hostile.json', import.meta.url), 'utf8')) as Museum;
const good = Buffer.from(museum.good, 'hex');
const ca = TestCa.create('td');
const issued = ca.issue('spiffe://td/a', {
  dns: ['a.example', 'b.example'],
  notBefore: Date.UTC(2049, 11, 31, 23, 59, 59),
  notAfter: Date.UTC(2050, 0, 1),
});

describe('a certificate', () => {
  it('X509-16: of the museum is good before anything is wrong with it', () => {
    expect(parseCertificate(good)).toMatchObject({ serial: '41', uriSans: ['spiffe://td/a'], isCa: false });
  });

  it.each(museum.hostile.map(({ name, reason, der }) => [name, reason, der]))(
    'X509-16: is refused for %s',
    (_, reason, der) => {
      const failure = refusalOf(() => parseCertificate(Buffer.from(der, 'hex')));
      expect(failure).toMatchObject({ kind: 'invalid-argument', reason: 'CERTIFICATE_INVALID' });
      expect(failure.message).toContain(reason);
    },
  );

  it('X509-16: holds exactly what was put there', () => {
    const parsed = parseCertificate(issued.der);
    expect(parsed).toMatchObject({
      serial: issued.serial,
      sigAlgOid: '1.2.840.10045.4.3.2',
      notBefore: Date.UTC(2049, 11, 31, 23, 59, 59),
      notAfter: Date.UTC(2050, 0, 1),
      uriSans: ['spiffe://td/a'],
      dnsSans: ['a.example', 'b.example'],
      otherSans: [],
      sanCritical: false,
      isCa: false,
      pathLen: undefined,
      eku: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
      criticalUnknown: [],
      nameConstraints: undefined,
    });
    expect(setFlags(parsed.keyUsage)).toEqual(['digitalSignature']);
    expect(parsed.issuerDer.equals(parseCertificate(ca.der).subjectDer)).toBe(true);
    expect(parsed.aki?.equals(parseCertificate(ca.der).ski ?? Buffer.alloc(0))).toBe(true);
  });

  it('X509-09: tells a CA and its path length', () => {
    const intermediate = parseCertificate(ca.intermediate({ pathLen: 0 }).der);
    expect(intermediate).toMatchObject({ isCa: true, pathLen: 0 });
    expect(setFlags(intermediate.keyUsage)).toEqual(['keyCertSign', 'cRLSign']);
    expect(parseCertificate(TestCa.create('td', { pathLen: 3 }).der).pathLen).toBe(3);
  });

  it.each([
    [0x80, ['digitalSignature']],
    [0x40, ['nonRepudiation']],
    [KU.keyEncipherment, ['keyEncipherment']],
    [0x10, ['dataEncipherment']],
    [0x08, ['keyAgreement']],
    [KU.keyCertSign, ['keyCertSign']],
    [KU.crlSign, ['cRLSign']],
    [0x01, ['encipherOnly']],
    [0xe1, ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'encipherOnly']],
  ])('X509-19: reads key usage %i as %j', (bits, flags) => {
    expect(setFlags(parseCertificate(ca.issue('spiffe://td/a', { keyUsage: bits }).der).keyUsage)).toEqual(flags);
  });

  it('X509-05: without key usage is told from one with none set', () => {
    expect(parseCertificate(ca.issue('spiffe://td/a', { keyUsage: null }).der).keyUsage).toBeUndefined();
  });

  it('X509-16: names the critical extensions that nothing acts on', () => {
    expect(parseCertificate(ca.issue('spiffe://td/a', { unknownCritical: true }).der).criticalUnknown).toEqual([
      '1.3.6.1.4.1.99999.1',
    ]);
  });

  it('I9: of more than 65,536 bytes is not looked at', () => {
    const huge = tlv(0x30, Buffer.alloc(65_533));
    expect(huge.length).toBeGreaterThan(65_536);
    expect(refusalOf(() => parseCertificate(huge)).message).toContain('larger than 65536 bytes');
  });

  it('X509-16: cut short anywhere is refused', () => {
    for (let length = 0; length < issued.der.length; length++) {
      expect(refusalOf(() => parseCertificate(issued.der.subarray(0, length))).reason).toBe('CERTIFICATE_INVALID');
    }
  });

  it('X509-16: with any one byte changed is refused, or read as OpenSSL reads it', () => {
    let accepted = 0;
    for (let at = 0; at < issued.der.length; at++) {
      for (const flip of [0x01, 0x10, 0x80, 0xff]) {
        const der = Buffer.from(issued.der);
        der[at]! ^= flip;
        accepted += readAlike(der) ? 1 : 0;
      }
    }
    // Names, keys and signatures are opaque here, so many changes of them still read.
    expect(accepted).toBeGreaterThan(100);
  });

  it('never fails but with a refusal, whatever the bytes', () => {
    const spliced = fc
      .tuple(fc.nat(good.length), fc.nat(12), fc.uint8Array({ maxLength: 12 }))
      .map(([at, gone, added]) => Buffer.concat([good.subarray(0, at), added, good.subarray(at + gone)]));
    fc.assert(
      fc.property(
        fc.oneof(
          spliced,
          fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        ),
        (der) => {
          readAlike(der);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it.each(['__proto__', 'constructor', 'prototype'])('B7: %s is a name like any other in a SAN', (name) => {
    const parsed = parseCertificate(ca.issue(`spiffe://${name}/${name}`, { dns: [name] }).der);
    expect(parsed.uriSans).toEqual([`spiffe://${name}/${name}`]);
    expect(parsed.dnsSans).toEqual([name]);
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  });
});

describe('certificates behind one another', () => {
  it('CLI-05: are taken apart exactly', () => {
    const parts = splitCertificates(Buffer.concat([issued.der, ca.der, good]));
    expect(parts.map((part) => part.toString('hex'))).toEqual(
      [issued.der, ca.der, good].map((der) => der.toString('hex')),
    );
    expect(splitCertificates(Buffer.alloc(0))).toEqual([]);
  });

  it.each([
    ['a zero byte at the end', '00'],
    ['half a certificate at the end', '3082'],
    ['something else at the end', '0500'],
    ['a line feed at the end', '0a'],
  ])('CLI-05: with %s are refused', (_, tail) => {
    const failure = refusalOf(() => splitCertificates(Buffer.concat([issued.der, Buffer.from(tail, 'hex')])));
    expect(failure).toMatchObject({ reason: 'CERTIFICATE_INVALID', field: 'certificate 2' });
  });
});

/** True when ours reads it, and then OpenSSL must read the same; a refusal must be one of ours. */
function readAlike(der: Buffer): boolean {
  let parsed: ReturnType<typeof parseCertificate>;
  try {
    parsed = parseCertificate(der);
  } catch (error) {
    expect(error).toMatchObject({ reason: 'CERTIFICATE_INVALID' });
    return false;
  }
  const other = new X509Certificate(der);
  expect(BigInt(`0x${parsed.serial}`)).toBe(BigInt(`0x${other.serialNumber}`));
  expect(new Date(parsed.notBefore)).toEqual(other.validFromDate);
  expect(new Date(parsed.notAfter)).toEqual(other.validToDate);
  expect(parsed.isCa).toBe(other.ca);
  return true;
}

function setFlags(usage: object | undefined): string[] {
  return Object.entries(usage ?? {}).flatMap(([flag, isSet]) => (isSet ? [flag] : []));
}
