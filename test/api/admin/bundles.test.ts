// SPDX-License-Identifier: Apache-2.0
/** Bundles over the wire: our own, and those of others, set by hand. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toPem } from '../../../src/x509/pem.ts';
import { type AdminBench, adminBench } from '../../support/admin-bench.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { TestCa } from '../../support/test-ca.ts';

const dir = tempDir('admin');
let bench: AdminBench;
const partner = TestCa.create('partner.example');
const pem = toPem('CERTIFICATE', partner.der);
const set = (trust_domain: string, document: string | Buffer = pem, format = 'pem') => ({
  trust_domain,
  format,
  document: Buffer.from(document),
});

beforeAll(async () => {
  bench = await adminBench(dir);
});
afterAll(() => bench.close());

describe('bundles', () => {
  it('ours is what the authority publishes, also as a document', async () => {
    const { bundle } = await bench.call('GetOwnBundle');
    expect(bundle).toMatchObject({ trust_domain: 'example.org', sequence: 2, refresh_hint_seconds: 300 });
    expect(bundle.x509_certificates).toEqual(bench.rooms.authority.bundle().certificates);
    expect((await bench.call('GetBundle', { trust_domain: 'example.org' })).bundle).toEqual(bundle);
    expect(JSON.parse(bundle.spiffe_document)).toMatchObject({
      spiffe_sequence: 2,
      keys: [{ use: 'x509-svid' }, { use: 'jwt-svid' }],
    });
  });

  it('of another trust domain is set in PEM, shown, listed, replaced by its document, deleted', async () => {
    const { bundle } = await bench.call('SetBundle', set('partner.example'));
    expect(bundle).toMatchObject({ trust_domain: 'partner.example', updated_by: 'uid:0', sequence: 0 });
    expect(bundle.x509_certificates).toEqual([partner.der]);
    expect((await bench.call('GetBundle', { trust_domain: 'partner.example' })).bundle).toEqual(bundle);
    expect((await bench.call('ListBundles')).bundles).toMatchObject([{ trust_domain: 'partner.example' }]);
    await bench.call('SetBundle', set('partner.example', bundle.spiffe_document, 'spiffe'));
    await bench.call('DeleteBundle', { trust_domain: 'partner.example' });
    expect((await bench.call('ListBundles')).bundles).toEqual([]);
  });

  it('B7: of the trust domain __proto__ is kept like any other', async () => {
    await bench.call('SetBundle', set('__proto__'));
    await bench.call('SetBundle', set('constructor'));
    const { bundles } = await bench.call('ListBundles');
    expect(bundles.map((one: { trust_domain: string }) => one.trust_domain)).toEqual(['__proto__', 'constructor']);
    expect((await bench.call('GetBundle', { trust_domain: '__proto__' })).bundle.x509_certificates).toHaveLength(1);
    const federates_with = ['__proto__', 'constructor'];
    const { entry } = await bench.call('CreateEntry', {
      entry: { spiffe_id: 'spiffe://example.org/f', selectors: ['unix:uid:6'], federates_with },
    });
    expect(entry.federates_with).toEqual(federates_with);
    await bench.call('DeleteEntry', { id: entry.id });
    await bench.call('DeleteBundle', { trust_domain: '__proto__' });
    await bench.call('DeleteBundle', { trust_domain: 'constructor' });
  });

  it('BUN-11: ours cannot be set', async () => {
    const failure = await bench.refused('SetBundle', set('example.org'));
    expect(failure).toMatchObject({
      reason: 'BUNDLE_IS_OWN',
      field: 'trust_domain',
    });
  });

  it.each([
    ['no trust domain', set(''), 'TRUST_DOMAIN_INVALID'],
    ['a bad trust domain', set('Partner.Example'), 'TRUST_DOMAIN_INVALID'],
    ['a trust domain that Go refuses', set('a..b'), 'TRUST_DOMAIN_INVALID'],
    ['no format', set('p.example', pem, ''), 'WORD_INVALID'],
    ['an unknown format', set('p.example', pem, 'der'), 'WORD_INVALID'],
    ['no certificate', set('p.example', ''), 'BUNDLE_INVALID'],
    ['a document that is no text', set('p.example', Buffer.from([0xff, 0xfe])), 'BUNDLE_INVALID'],
    ['half a certificate', set('p.example', pem.slice(0, 200)), 'PEM_INVALID'],
    ['a document without keys', set('p.example', '{}', 'spiffe'), 'BUNDLE_INVALID'],
  ])('with %s are refused, and nothing is kept', async (_, request, reason) => {
    expect((await bench.refused('SetBundle', request)).reason).toBe(reason);
    expect((await bench.call('ListBundles')).bundles).toEqual([]);
  });

  it('that is not there is NOT_FOUND', async () => {
    for (const rpc of ['GetBundle', 'DeleteBundle']) {
      expect(await bench.refused(rpc, { trust_domain: 'nobody.example' })).toMatchObject({
        kind: 'not-found',
        reason: 'BUNDLE_NOT_FOUND',
      });
    }
  });

  it.each(['restrict', 'dissociate', 'delete'])('that an entry federates with are deleted by mode %s', async (mode) => {
    await bench.call('SetBundle', set('partner.example'));
    const { entry } = await bench.call('CreateEntry', {
      entry: {
        spiffe_id: `spiffe://example.org/${mode}`,
        selectors: ['unix:uid:5'],
        federates_with: ['partner.example'],
      },
    });
    const request = { trust_domain: 'partner.example', mode };
    if (mode === 'restrict') {
      expect(await bench.refused('DeleteBundle', request)).toMatchObject({ kind: 'failed-precondition' });
      await bench.call('DeleteBundle', { ...request, mode: 'dissociate' });
    } else await bench.call('DeleteBundle', request);
    if (mode === 'delete') expect((await bench.refused('GetEntry', { id: entry.id })).reason).toBe('ENTRY_NOT_FOUND');
    else expect((await bench.call('GetEntry', { id: entry.id })).entry.federates_with).toEqual([]);
  });

  it('are not deleted by a mode that is none', async () => {
    expect((await bench.refused('DeleteBundle', { trust_domain: 'x.example', mode: 'all' })).reason).toBe(
      'WORD_INVALID',
    );
  });
});
