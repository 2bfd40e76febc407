// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { parseCertificate } from '../../src/x509/parse.ts';
import type { KeyType, MintedLeaf, Signer } from '../../src/x509/types.ts';
import { verifySvidChain } from '../../src/x509/verify.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { elementsOf } from './rebuild.ts';
import { forAnHour, HOUR, NOW, newSigner, type TemplateOptions, template } from './signer.ts';

const SECOND = 1000;
const YEAR = 365 * 24 * HOUR;
const signer = await newSigner();

const mint = (options: TemplateOptions = {}): Promise<MintedLeaf> => template(signer, options).mint(forAnHour);
const extensionValue = (der: Buffer, oid: string): string | undefined =>
  parseCertificate(der)
    .extensions.find((extension) => extension.oid === oid)
    ?.value.toString('hex');
const isCritical = (der: Buffer, oid: string): boolean | undefined =>
  parseCertificate(der).extensions.find((extension) => extension.oid === oid)?.critical;

describe('a minted leaf', () => {
  it('X509-01: has the SPIFFE ID as its one URI SAN, byte for byte', async () => {
    const { certificateDer } = await mint({ id: 'spiffe://example.org/A.b_c-1/...' });
    expect(parseCertificate(certificateDer).uriSans).toEqual(['spiffe://example.org/A.b_c-1/...']);
    expect(new X509Certificate(certificateDer).subjectAltName).toBe('URI:spiffe://example.org/A.b_c-1/...');
  });

  it('X509-02: carries DNS names beside it', async () => {
    const dnsNames = ['a.example', '*.b.example', 'c'];
    const parsed = parseCertificate((await mint({ dnsNames })).certificateDer);
    expect(parsed.dnsSans).toEqual(dnsNames);
    expect(parsed.uriSans).toHaveLength(1);
    expect(parsed.otherSans).toEqual([]);
  });

  it('X509-03: is refused to an ID without a path, before anything is signed', () => {
    let signed = 0;
    const counting: Signer = { ...signer, sign: () => Buffer.alloc(++signed) };
    const failure = refusalOf(() => template(counting, { id: 'spiffe://example.org' }));
    expect(failure).toMatchObject({ kind: 'invalid-argument', reason: 'SPIFFE_ID_INVALID' });
    expect(signed).toBe(0);
  });

  it('X509-04: has a subject, so its SAN is not critical', async () => {
    expect(isCritical((await mint()).certificateDer, '2.5.29.17')).toBe(false);
  });

  it('X509-05: has a critical key usage', async () => {
    expect(isCritical((await mint()).certificateDer, '2.5.29.15')).toBe(true);
  });

  it.each<KeyType>(['ec-p256', 'ec-p384', 'rsa-2048'])(
    'X509-06: with a key %s may sign, and nothing more',
    async (keyType) => {
      expect(extensionValue((await mint({ keyType })).certificateDer, '2.5.29.15')).toBe('03020780');
    },
  );

  it('X509-07: has basic constraints 30 00', async () => {
    const { certificateDer } = await mint();
    expect(extensionValue(certificateDer, '2.5.29.19')).toBe('3000');
    expect(parseCertificate(certificateDer).isCa).toBe(false);
    expect(new X509Certificate(certificateDer).ca).toBe(false);
  });

  it('X509-08: may be server and client', async () => {
    const { certificateDer } = await mint();
    expect(new X509Certificate(certificateDer).keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(isCritical(certificateDer, '2.5.29.37')).toBe(false);
  });

  it('X509-14: has no name constraints, and no extension but six', async () => {
    const parsed = parseCertificate((await mint({ dnsNames: ['a.example'] })).certificateDer);
    expect(parsed.extensions.map(({ oid }) => oid)).toEqual([
      '2.5.29.15',
      '2.5.29.37',
      '2.5.29.19',
      '2.5.29.14',
      '2.5.29.35',
      '2.5.29.17',
    ]);
  });

  it('X509-28: is valid from 10 seconds ago, in whole seconds', async () => {
    const leaf = await template(signer).mint({ ...forAnHour, now: NOW + 999, notAfter: NOW + HOUR + 999 });
    expect([leaf.notBefore, leaf.notAfter]).toEqual([NOW - 10 * SECOND, NOW + HOUR]);
    expect(parseCertificate(leaf.certificateDer)).toMatchObject({ notBefore: leaf.notBefore, notAfter: leaf.notAfter });
  });

  it('X509-28, I5: ends no later than its signer', async () => {
    const short = await newSigner({ notAfter: NOW + 5 * 60 * SECOND });
    const leaf = await template(short).mint(forAnHour);
    expect(leaf.notAfter).toBe(NOW + 5 * 60 * SECOND);
    expect(parseCertificate(leaf.certificateDer).notAfter).toBe(NOW + 5 * 60 * SECOND);
  });

  it('I5: is refused when it would already be over', async () => {
    const failure = await refusalOfAsync(() => template(signer).mint({ ...forAnHour, notAfter: NOW }));
    expect(failure).toMatchObject({ kind: 'failed-precondition', reason: 'SVID_WOULD_BE_EXPIRED' });
    const over = await newSigner({ notAfter: NOW });
    expect((await refusalOfAsync(() => template(over).mint(forAnHour))).reason).toBe('SVID_WOULD_BE_EXPIRED');
  });

  it('I5: is refused by a signer that says another end than its certificate', () => {
    const lying = { ...signer, notAfter: signer.notAfter + YEAR };
    expect(refusalOf(() => template(lying))).toMatchObject({ kind: 'internal', reason: 'SIGNER_UNFIT' });
  });

  it('X509-29: has one of 10,000 different positive serials of 16 bytes', async () => {
    const leaves = template(signer);
    const serials = new Set<string>();
    for (let i = 0; i < 10_000; i++) serials.add((await leaves.mint(forAnHour)).serial);
    expect(serials.size).toBe(10_000);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
  });

  it('X509-29: has SKI and AKI, neither critical, the AKI being its signer', async () => {
    const { certificateDer } = await mint();
    const parsed = parseCertificate(certificateDer);
    expect(isCritical(certificateDer, '2.5.29.14')).toBe(false);
    expect(isCritical(certificateDer, '2.5.29.35')).toBe(false);
    expect(parsed.aki?.toString('hex')).toBe(signer.authorityId);
    expect(parsed.ski).toHaveLength(20);
    expect(parsed.ski?.toString('hex')).not.toBe(signer.authorityId);
  });

  it.each([
    [Date.UTC(2049, 11, 31, 23, 59, 59), '170d3439313233313233353935395a'],
    [Date.UTC(2050, 0, 1), '180f32303530303130313030303030305a'],
    [Date.UTC(2999, 0, 1), '180f32393939303130313030303030305a'],
  ])('X509-29: that ends at %i writes its end as %s', async (notAfter, encoded) => {
    const long = await newSigner({ notAfter: Date.UTC(3000, 0, 1) });
    const { certificateDer } = await template(long).mint({ ...forAnHour, notAfter });
    const validity = elementsOf(elementsOf(certificateDer)[0]!)[4]!;
    expect(elementsOf(validity)[1]?.toString('hex')).toBe(encoded);
    expect(new X509Certificate(certificateDer).validToDate).toEqual(new Date(notAfter));
  });

  it('X509-29: that begins in 2050 writes both dates as GeneralizedTime, from one template', async () => {
    const long = await newSigner({ notAfter: Date.UTC(3000, 0, 1) });
    const leaves = template(long);
    const shapes = [];
    for (const now of [NOW, Date.UTC(2049, 11, 31, 23, 30), Date.UTC(2050, 0, 1, 0, 0, 5), Date.UTC(2051, 0, 1), NOW]) {
      const leaf = await leaves.mint({ ...forAnHour, now, notAfter: now + HOUR });
      shapes.push(elementsOf(elementsOf(elementsOf(leaf.certificateDer)[0]!)[4]!).map((time) => time[0]));
      expect(parseCertificate(leaf.certificateDer)).toMatchObject({
        notBefore: leaf.notBefore,
        notAfter: leaf.notAfter,
      });
    }
    expect(shapes).toEqual([
      [0x17, 0x17],
      [0x17, 0x18],
      [0x17, 0x18],
      [0x18, 0x18],
      [0x17, 0x17],
    ]);
  });

  it('X509-31: has a key of its own, each time', async () => {
    const leaves = template(signer);
    const [one, two] = [await leaves.mint(forAnHour), await leaves.mint(forAnHour)];
    expect(one.spki.equals(two.spki)).toBe(false);
    expect(one.privateKeyPkcs8.equals(two.privateKeyPkcs8)).toBe(false);
  });

  it('ID-13: holds an ID of 2048 bytes, and a trust domain of 255', async () => {
    const trustDomain = TrustDomain.parse('a'.repeat(255));
    const id = `${trustDomain.id}/`.padEnd(2048, 'b');
    const own = await newSigner({ trustDomain });
    const { certificateDer } = await template(own, { id }).mint(forAnHour);
    expect(parseCertificate(certificateDer).uriSans).toEqual([id]);
    expect(verifySvidChain([certificateDer], () => [own.certificateDer], NOW).spiffeId.toString()).toBe(id);
  });

  it('ID-18: is refused to an ID of another trust domain than the signer serves', () => {
    const failure = refusalOf(() => template(signer, { id: 'spiffe://other/a' }));
    expect(failure).toMatchObject({ kind: 'invalid-argument', reason: 'SPIFFE_ID_INVALID' });
    expect(failure.message).toContain('spiffe://example.org');
  });

  it.each(['__proto__', 'constructor', 'prototype'])('B7: may be called %s, in the trust domain %s', async (name) => {
    const own = await newSigner({ trustDomain: TrustDomain.parse(name) });
    const { certificateDer } = await template(own, { id: `spiffe://${name}/${name}` }).mint(forAnHour);
    const { spiffeId } = verifySvidChain([certificateDer], () => [own.certificateDer], NOW);
    expect(spiffeId.toString()).toBe(`spiffe://${name}/${name}`);
  });
});

describe('the subject of a minted leaf', () => {
  const subject = async (dnsNames: readonly string[]): Promise<string> =>
    new X509Certificate((await mint({ dnsNames })).certificateDer).subject;

  it('is O=Assay, and the first DNS name as CN', async () => {
    expect(await subject([])).toBe('O=Assay');
    expect(await subject(['web.example', 'b.example'])).toBe('O=Assay\nCN=web.example');
    expect(await subject(['*.example'])).toBe('O=Assay\nCN=*.example');
  });

  it('has no CN above 64 characters, which RFC 5280 does not allow', async () => {
    const long = (length: number): string => `${'a'.repeat(60)}.${'b'.repeat(length - 61)}`;
    expect(await subject([long(64)])).toBe(`O=Assay\nCN=${long(64)}`);
    expect(await subject([long(65)])).toBe('O=Assay');
  });
});
