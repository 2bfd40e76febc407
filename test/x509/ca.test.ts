// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { type Random, systemRandom } from '../../src/lib/random.ts';
import { buildSelfSignedCa, signerOf, skiOf } from '../../src/x509/ca.ts';
import { parseCertificate } from '../../src/x509/parse.ts';
import type { KeyType, SigningKey } from '../../src/x509/types.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { TestCa } from '../support/test-ca.ts';
import { elementsOf } from './rebuild.ts';
import { EXAMPLE, HOUR, NOW, newKey, template } from './signer.ts';

const key = newKey();
const build = (
  over: { key?: SigningKey; trustDomain?: TrustDomain; random?: Random; notAfter?: number } = {},
): Promise<Buffer> =>
  buildSelfSignedCa({ trustDomain: EXAMPLE, key, notBefore: NOW, notAfter: NOW + HOUR, random: systemRandom, ...over });
const der = await build();
const parsed = parseCertificate(der);

describe('a CA certificate', () => {
  it('X509-05, X509-09: has critical basic constraints and key usage', () => {
    expect(parsed.isCa).toBe(true);
    expect(critical('2.5.29.19')).toBe(true);
    expect(critical('2.5.29.15')).toBe(true);
  });

  it('X509-10: may sign certificates and CRLs, and nothing else', () => {
    expect(extensionValue('2.5.29.15')).toBe('03020106');
    expect(parsed.keyUsage).toMatchObject({ keyCertSign: true, cRLSign: true, digitalSignature: false });
  });

  it('X509-11, X509-12: has the trust domain as its ID, without a slash', () => {
    expect(parsed.uriSans).toEqual(['spiffe://example.org']);
    expect(parsed.dnsSans).toEqual([]);
  });

  it('X509-13: sets no path length', () => {
    expect(extensionValue('2.5.29.19')).toBe('30030101ff');
    expect(parsed.pathLen).toBeUndefined();
  });

  it('X509-14: has no name constraints and no key purposes', () => {
    expect(parsed.extensions.map(({ oid }) => oid)).toEqual(['2.5.29.15', '2.5.29.19', '2.5.29.14', '2.5.29.17']);
  });

  it('X509-23: is signed by itself', () => {
    const certificate = new X509Certificate(der);
    expect(parsed.issuerDer.equals(parsed.subjectDer)).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  it('X509-29: has a key identifier that is the SHA-1 of its key, not critical', () => {
    expect(parsed.ski?.equals(skiOf(key.publicKey))).toBe(true);
    expect(critical('2.5.29.14')).toBe(false);
  });

  it('X509-29: has a positive serial, and a subject that no other has', async () => {
    const others = await Promise.all(Array.from({ length: 20 }, () => build()));
    const read = [der, ...others].map((other) => parseCertificate(other));
    expect(new Set(read.map(({ subjectDer }) => subjectDer.toString('hex'))).size).toBe(21);
    expect(new Set(read.map(({ serial }) => serial)).size).toBe(21);
    for (const { serial } of read) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
    expect(new X509Certificate(der).subject).toMatch(/^O=Assay\nserialNumber=[0-9a-f]{32}$/);
  });

  it('X509-29: that ends in 2050 says so as GeneralizedTime', async () => {
    const late = await build({ notAfter: Date.UTC(2050, 0, 1) });
    const validity = elementsOf(elementsOf(late)[0]!)[4]!;
    expect(elementsOf(validity).map((time) => time[0])).toEqual([0x17, 0x18]);
  });

  it.each<KeyType>(['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-4096'])('is made with a key of %s', async (type) => {
    const certificate = new X509Certificate(await build({ key: newKey(type) }));
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('B7: is made for the trust domain %s', async (name) => {
    const made = parseCertificate(await build({ trustDomain: TrustDomain.parse(name) }));
    expect(made.uriSans).toEqual([`spiffe://${name}`]);
  });

  it('I2: is not released when the key signed something else', async () => {
    const wrong = { ...key, sign: (tbs: Buffer) => key.sign(Buffer.concat([tbs, tbs])) };
    expect(await refusalOfAsync(() => build({ key: wrong }))).toMatchObject({ reason: 'CA_KEY_MISMATCH' });
  });
});

describe('a signer', () => {
  it('is what its certificate says', () => {
    const signer = signerOf(der, key);
    expect(signer).toMatchObject({ notAfter: NOW + HOUR, keyType: 'ec-p256', authorityId: signer.ski.toString('hex') });
    expect(signer.subjectDer.equals(parsed.subjectDer)).toBe(true);
  });

  it('I2: is not made of a certificate and the key of another', () => {
    expect(refusalOf(() => signerOf(der, newKey()))).toMatchObject({ kind: 'internal', reason: 'CA_KEY_MISMATCH' });
  });

  it.each([
    ['no CA', { isCa: false }],
    ['a CA that may not sign certificates', { keyUsage: 0x02 }],
    ['a CA with a path in its ID', { uris: ['spiffe://example.org/ca'] }],
    ['a CA with two IDs', { uris: ['spiffe://example.org', 'spiffe://other'] }],
    ['a CA without an ID', { uris: [] }],
    ['a CA whose ID ends with a slash', { uris: ['spiffe://example.org/'] }],
  ])('X509-12: mints nothing when its certificate is that of %s', (_, options) => {
    const odd = parseCertificate(TestCa.create('example.org', options).der);
    const signer = {
      ...signerOf(der, key),
      certificateDer: odd.der,
      subjectDer: odd.subjectDer,
      ski: odd.ski!,
      notAfter: odd.notAfter,
    };
    expect(refusalOf(() => template(signer)).reason).toMatch(/^(SIGNER_UNFIT|SPIFFE_ID_INVALID)$/);
  });

  it('mints nothing when it says other things than its certificate', () => {
    const signer = signerOf(der, key);
    for (const wrong of [{ subjectDer: Buffer.from('3000', 'hex') }, { ski: Buffer.alloc(20) }]) {
      expect(refusalOf(() => template({ ...signer, ...wrong })).reason).toBe('SIGNER_UNFIT');
    }
  });
});

function critical(oid: string): boolean | undefined {
  return parsed.extensions.find((extension) => extension.oid === oid)?.critical;
}

function extensionValue(oid: string): string | undefined {
  return parsed.extensions.find((extension) => extension.oid === oid)?.value.toString('hex');
}
