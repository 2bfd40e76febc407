// SPDX-License-Identifier: Apache-2.0
/** Bundle maps over the wire. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseSpiffeBundle, renderSpiffeBundle } from '../../../src/bundle/document.ts';
import { readBundleMap } from '../../../src/bundle/map.ts';
import { type AdminBench, adminBench, ROOT } from '../../support/admin-bench.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { TestCa } from '../../support/test-ca.ts';

const FETCHED = 'fetched.example';
const dir = tempDir('admin-maps');
let bench: AdminBench;
beforeAll(async () => {
  bench = await adminBench(dir, {
    roles: [{ role: 'registrar', uid: 1001, spiffeIdPrefix: 'spiffe://example.org/team-a/' }],
    federation: {
      all: () => [],
      has: (name) => name === FETCHED,
      get: refuseAll,
      create: refuseAll,
      refresh: refuseAll,
      delete: refuseAll,
    },
  });
});
afterAll(() => bench.close());
beforeEach(async () => {
  bench.caller = ROOT;
  await set({});
});

function refuseAll(): never {
  throw new Error('not asked here');
}

const bundleOf = (...names: readonly string[]): string =>
  renderSpiffeBundle({
    certificates: names.map((name) => TestCa.create(name).der),
    jwtKeys: [],
    refreshHintSeconds: 1,
  });
const documentOf = (members: Record<string, string>): Buffer =>
  Buffer.from(`{"trust_domains":{${Object.entries(members).map(([name, text]) => `"${name}":${text}`)}}}`);
const set = (members: Record<string, string>, mode = '') =>
  bench.call('SetBundleMap', { document: documentOf(members), mode });
const refused = (document: Buffer, mode = '') => bench.refused('SetBundleMap', { document, mode });
const names = async (): Promise<string[]> =>
  (await bench.call('ListBundles')).bundles.map((one: { trust_domain: string }) => one.trust_domain);

describe('a bundle map', () => {
  it('BUN-17: says what was set, what stayed and what was deleted', async () => {
    const [a, b] = [bundleOf('a.example'), bundleOf('b.example')];
    expect(await set({ 'a.example': a, 'b.example': b })).toMatchObject({
      set: [
        { trust_domain: 'a.example', updated_by: 'uid:0', spiffe_document: '' },
        { trust_domain: 'b.example', updated_by: 'uid:0' },
      ],
      unchanged: [],
      deleted: [],
    });
    expect(await set({ 'b.example': b, 'c.example': a })).toMatchObject({
      set: [{ trust_domain: 'c.example' }],
      unchanged: ['b.example'],
      deleted: ['a.example'],
    });
    expect(await names()).toEqual(['b.example', 'c.example']);
    const { bundle } = await bench.call('GetBundle', { trust_domain: 'b.example' });
    expect(parseSpiffeBundle(bundle.spiffe_document).refreshHintSeconds).toBeUndefined();
  });

  it.each([
    ['BUN-14: without trust_domains', Buffer.from('{}'), 'BUNDLE_INVALID'],
    ['BUN-14: of a SPIFFE ID', documentOf({ 'spiffe://a': bundleOf('a') }), 'TRUST_DOMAIN_INVALID'],
    ['CLI-09: of a name that Go refuses', documentOf({ 'a..b': bundleOf('a') }), 'TRUST_DOMAIN_INVALID'],
    ['BUN-15: of one name twice', Buffer.from('{"trust_domains":{"a":{"keys":[]},"a":{"keys":[]}}}'), 'JSON_INVALID'],
    ['BUN-17: with one bad bundle', documentOf({ 'a.example': bundleOf('a'), 'b.example': '{}' }), 'BUNDLE_INVALID'],
    ['BUN-17: with our own', documentOf({ 'example.org': bundleOf('x') }), 'BUNDLE_IS_OWN'],
    ['BUN-17: with one that is fetched', documentOf({ [FETCHED]: bundleOf('x') }), 'BUNDLE_IS_FETCHED'],
    ['that is no text', Buffer.from([0xff, 0xfe]), 'BUNDLE_INVALID'],
  ])('%s is refused, and all stays as it was', async (_, document, reason) => {
    await set({ 'kept.example': bundleOf('kept.example') });
    const failure = await refused(document, 'delete');
    expect(failure.reason).toBe(reason);
    expect(failure.hint).toBeDefined();
    expect(await names()).toEqual(['kept.example']);
  });

  it('BUN-17: keeps what an entry federates with, unless a mode says otherwise', async () => {
    await set({ 'a.example': bundleOf('a.example') });
    const federates_with = ['a.example'];
    const { entry } = await bench.call('CreateEntry', {
      entry: { spiffe_id: 'spiffe://example.org/m', selectors: ['unix:uid:6'], federates_with },
    });
    expect(await refused(documentOf({}))).toMatchObject({ kind: 'failed-precondition', reason: 'BUNDLE_IN_USE' });
    expect((await refused(documentOf({}), 'all')).reason).toBe('WORD_INVALID');
    await set({}, 'dissociate');
    expect(await names()).toEqual([]);
    expect((await bench.call('GetEntry', { id: entry.id })).entry.federates_with).toEqual([]);
    await bench.call('DeleteEntry', { id: entry.id });
  });

  it('C1: is set by an administrator, and read by a registrar too', async () => {
    bench.caller = { ...ROOT, uid: 1001 };
    expect(await refused(documentOf({}))).toMatchObject({ kind: 'permission-denied', reason: 'WRITE_NOT_ALLOWED' });
    expect((await bench.call('GetBundleMap')).document).toContain('"example.org"');
    bench.caller = { ...ROOT, uid: 1002 };
    expect((await bench.refused('GetBundleMap')).reason).toBe('READ_NOT_ALLOWED');
    bench.caller = { ...ROOT, sameNamespaces: false };
    expect((await refused(documentOf({}))).reason).toBe('CALLER_OUTSIDE');
  });

  it('BUN-15, BUN-16: given out has ours and all others, each once, none with a hint', async () => {
    await bench.call('SetBundle', {
      trust_domain: 'b.example',
      format: 'spiffe',
      document: Buffer.from(bundleOf('b.example', 'b.example')),
    });
    const { document } = await bench.call('GetBundleMap');
    expect(document).not.toContain('spiffe_refresh_hint');
    const map = readBundleMap(document);
    expect([...map.keys()]).toEqual(['b.example', 'example.org']);
    expect(map.get('example.org')?.certificates).toEqual(bench.rooms.authority.bundle().certificates);
    expect(map.get('example.org')?.sequence).toBe(BigInt(bench.deps.ownBundle().sequence));
    expect(map.get('b.example')?.certificates).toHaveLength(2);
  });
});
