// SPDX-License-Identifier: Apache-2.0
/** The entry RPCs over the wire, on a real registry. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AdminBench, adminBench, ROOT } from '../../support/admin-bench.ts';
import { tempDir } from '../../support/temp-dir.ts';

const dir = tempDir('admin');
const REGISTRAR = { uid: 1001, pid: 8, sameNamespaces: true };
let bench: AdminBench;

beforeAll(async () => {
  bench = await adminBench(dir, {
    roles: [{ role: 'registrar', uid: 1001, spiffeIdPrefix: 'spiffe://example.org/team-a/' }],
  });
});
afterAll(() => bench.close());

const entryOf = (path: string, more: object = {}): object => ({
  spiffe_id: `spiffe://example.org${path}`,
  selectors: [`unix:uid:${path.length}${Math.floor(Math.random() * 1e9)}`],
  ...more,
});

describe('entries', () => {
  it('are created with what was asked, and read back the same', async () => {
    const asked = {
      id: 'web-1',
      spiffe_id: 'spiffe://example.org/web',
      selectors: ['unix:uid:1000', 'unix:path:/bin/x'],
      x509_ttl_seconds: 600,
      jwt_ttl_seconds: 60,
      dns_names: ['web.example.org'],
      hint: 'front',
      expires_at: Date.now() + 1e9,
    };
    const before = Date.now();
    const { entry, identity, warnings } = await bench.call('CreateEntry', {
      entry: asked,
      owner: 'team-web',
      purpose: 'serves pages',
      environment: 'production',
      labels: [{ key: 'tier', value: '1' }],
    });
    expect(entry).toMatchObject({ ...asked, selectors: [...asked.selectors].sort(), created_by: 'uid:0', revision: 1 });
    expect(entry).toMatchObject({
      effective_x509_ttl_seconds: 600,
      effective_x509_ttl_from: 'entry',
      strength: 'kernel',
    });
    expect(entry.created_at).toBeGreaterThanOrEqual(before);
    expect(identity).toMatchObject({
      owner: 'team-web',
      purpose: 'serves pages',
      environment: 'production',
      kind: 'service',
      state: 'active',
    });
    expect(identity.labels).toEqual([{ key: 'tier', value: '1' }]);
    expect(warnings).toEqual([]);
    expect(await bench.call('GetEntry', { id: 'web-1' })).toEqual({ entry, identity });
  });

  it('without wishes get the defaults, and unset members stay unset', async () => {
    const { entry, identity } = await bench.call('CreateEntry', { entry: entryOf('/plain') });
    expect(entry).not.toHaveProperty('x509_ttl_seconds');
    expect(entry).not.toHaveProperty('expires_at');
    expect(entry).toMatchObject({ effective_x509_ttl_seconds: 3_600, effective_x509_ttl_from: 'default' });
    expect(entry).toMatchObject({ effective_jwt_ttl_seconds: 300, effective_jwt_ttl_from: 'default', jwt_jti: false });
    expect(entry.parent_id).toMatch(/^spiffe:\/\/example\.org\/spire\/agent\/assay\//);
    expect(identity).toMatchObject({ owner: 'uid:0', purpose: '', labels: [] });
  });

  it('I5: show a TTL cut short by the end of the entry', async () => {
    const { entry } = await bench.call('CreateEntry', {
      entry: entryOf('/short', { expires_at: Date.now() + 60_000 }),
    });
    expect(entry.effective_x509_ttl_from).toBe('entry_expiry');
    expect(entry.effective_x509_ttl_seconds).toBeLessThanOrEqual(60);
    expect(entry.effective_jwt_ttl_from).toBe('entry_expiry');
    expect(entry.effective_jwt_ttl_seconds).toBeLessThanOrEqual(60);
  });

  it('are changed in the members that are named, and in no others', async () => {
    const { entry } = await bench.call('CreateEntry', {
      entry: entryOf('/change', { hint: 'a', x509_ttl_seconds: 600 }),
    });
    const { entry: after } = await bench.call('UpdateEntry', {
      id: entry.id,
      entry: { hint: 'ignored', dns_names: ['a.example.org'] },
      fields: ['dns_names', 'x509_ttl_seconds'],
    });
    expect(after).toMatchObject({ hint: 'a', dns_names: ['a.example.org'], revision: 2 });
    expect(after).not.toHaveProperty('x509_ttl_seconds');
  });

  it('JWT-12: have a jti in their tokens where that is asked for', async () => {
    const { entry } = await bench.call('CreateEntry', {
      entry: entryOf('/jti', { jwt_jti: true, jwt_ttl_seconds: 60 }),
    });
    expect(entry).toMatchObject({ jwt_jti: true, effective_jwt_ttl_seconds: 60, effective_jwt_ttl_from: 'entry' });
    const change = { id: entry.id, entry: {}, fields: ['jwt_jti'] };
    expect((await bench.call('UpdateEntry', change)).entry).toMatchObject({ jwt_jti: false, revision: 2 });
  });

  it('are gone after a delete, which answers with what there was', async () => {
    const { entry } = await bench.call('CreateEntry', { entry: entryOf('/gone') });
    expect((await bench.call('DeleteEntry', { id: entry.id })).entry.id).toBe(entry.id);
    expect(await bench.refused('GetEntry', { id: entry.id })).toMatchObject({
      kind: 'not-found',
      reason: 'ENTRY_NOT_FOUND',
    });
    expect(await bench.refused('DeleteEntry', { id: entry.id })).toMatchObject({ reason: 'ENTRY_NOT_FOUND' });
  });

  it('are counted and found by what they name', async () => {
    const selectors = ['unix:gid:777', 'unix:uid:777'];
    await bench.call('CreateEntry', { entry: entryOf('/found/a', { selectors, hint: 'needle' }) });
    await bench.call('CreateEntry', { entry: entryOf('/found/b', { selectors: ['unix:gid:777'] }) });
    const count = async (filter: object): Promise<number> => (await bench.call('CountEntries', { filter })).count;
    expect(await count({ selectors: ['unix:gid:777'] })).toBe(2);
    expect(await count({ selectors })).toBe(1);
    expect(await count({ hint: 'needle' })).toBe(1);
    expect(await count({ spiffe_id: 'spiffe://example.org/found/b' })).toBe(1);
    expect((await bench.call('CountEntries', {})).count).toBeGreaterThan(2);
  });

  it.each([
    ['no entry', {}, 'ENTRY_MISSING'],
    ['no SPIFFE ID', { entry: { selectors: ['unix:uid:1'] } }, 'SPIFFE_ID_INVALID'],
    ['no selector', { entry: { spiffe_id: 'spiffe://example.org/x' } }, 'SELECTOR_MISSING'],
    ['a foreign SPIFFE ID', { entry: { spiffe_id: 'spiffe://other/x', selectors: ['a:b'] } }, 'FOREIGN_TRUST_DOMAIN'],
    ['an unknown kind', { entry: entryOf('/k'), kind: 'robot' }, 'WORD_INVALID'],
    ['a label twice', { entry: entryOf('/l'), labels: [{ key: 'a' }, { key: 'a' }] }, 'LABEL_INVALID'],
    ['a time beyond all calendars', { entry: entryOf('/t', { expires_at: 9e15 }) }, 'TIME_INVALID'],
    ['a negative time', { entry: entryOf('/n', { expires_at: -5 }) }, 'NUMBER_INVALID'],
    ['a negative TTL', { entry: entryOf('/m', { x509_ttl_seconds: -5 }) }, 'NUMBER_INVALID'],
    ['a TTL under 10 s', { entry: entryOf('/s', { x509_ttl_seconds: 9 }) }, 'TTL_INVALID'],
    ['a bad DNS name', { entry: entryOf('/d', { dns_names: ['-'] }) }, 'DNS_NAME_INVALID'],
    ['a bad entry id', { entry: entryOf('/i', { id: 'a b' }) }, 'ENTRY_ID_INVALID'],
    ['a hint that cannot be seen', { entry: entryOf('/h', { hint: 'a\u202eb' }) }, 'TEXT_INVALID'],
  ])('with %s are refused, and nothing is left behind', async (_, request, reason) => {
    const { count: before } = await bench.call('CountEntries', {});
    const failure = await bench.refused('CreateEntry', request);
    expect(failure).toMatchObject({ reason, field: expect.any(String) });
    expect((await bench.call('CountEntries', {})).count).toBe(before);
  });

  it.each([
    ['nothing named', { entry: {} }, 'NOTHING_TO_CHANGE'],
    ['the SPIFFE ID named', { entry: { spiffe_id: 'x' }, fields: ['spiffe_id'] }, 'FIELD_FIXED'],
    ['an unknown member named', { entry: {}, fields: ['__proto__'] }, 'FIELD_FIXED'],
    ['no entry', { fields: ['hint'] }, 'NOTHING_TO_CHANGE'],
    ['all selectors gone', { entry: {}, fields: ['selectors'] }, 'SELECTOR_MISSING'],
  ])('are not changed with %s', async (_, request, reason) => {
    expect(await bench.refused('UpdateEntry', { id: 'web-1', ...request })).toMatchObject({ reason });
    expect((await bench.call('GetEntry', { id: 'web-1' })).entry.revision).toBe(1);
  });

  it('B7: take __proto__ and constructor for names like any other', async () => {
    const spiffe_id = 'spiffe://example.org/__proto__/constructor';
    const { entry, identity } = await bench.call('CreateEntry', {
      entry: { id: '__proto__', spiffe_id, selectors: ['unix:uid:31337'], hint: '__proto__' },
      labels: [
        { key: '__proto__', value: 'isAdmin' },
        { key: 'constructor', value: 'x' },
      ],
    });
    expect(entry).toMatchObject({ id: '__proto__', spiffe_id, hint: '__proto__' });
    expect(identity.labels).toHaveLength(2);
    expect((await bench.call('GetIdentity', { spiffe_id })).entries).toHaveLength(1);
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
  });

  describe('for a registrar', () => {
    it('are created, changed and deleted below the prefix', async () => {
      bench.caller = REGISTRAR;
      const { entry } = await bench.call('CreateEntry', { entry: entryOf('/team-a/x') });
      expect(entry.created_by).toBe('uid:1001');
      await bench.call('UpdateEntry', { id: entry.id, entry: { hint: 'h' }, fields: ['hint'] });
      await bench.call('SuspendIdentity', { spiffe_id: entry.spiffe_id, reason: 'a test' });
      await bench.call('ResumeIdentity', { spiffe_id: entry.spiffe_id });
      await bench.call('DeleteEntry', { id: entry.id });
      bench.caller = ROOT;
    });

    it.each([
      ['CreateEntry', { entry: entryOf('/team-b/x') }],
      ['CreateEntry', { entry: entryOf('/team-ab/x') }],
      ['UpdateEntry', { id: 'web-1', entry: { hint: 'h' }, fields: ['hint'] }],
      ['DeleteEntry', { id: 'web-1' }],
      ['SuspendIdentity', { spiffe_id: 'spiffe://example.org/web', reason: 'a test' }],
      ['ResumeIdentity', { spiffe_id: 'spiffe://example.org/web' }],
    ])('C1: %s outside the prefix is refused and logged', async (rpc, request) => {
      bench.caller = REGISTRAR;
      const { count: before } = await bench.call('CountEntries', {});
      expect(await bench.refused(rpc, request)).toMatchObject({ kind: 'permission-denied', reason: 'OUTSIDE_PREFIX' });
      expect((await bench.call('CountEntries', {})).count).toBe(before);
      bench.caller = ROOT;
      expect(bench.log.lines.at(-1)).toMatchObject({
        level: 'warn',
        fields: { rpc, uid: 1001, pid: 8, reason: 'OUTSIDE_PREFIX' },
      });
    });

    it('C1: an ID that the parser refuses never reaches the prefix', async () => {
      bench.caller = REGISTRAR;
      for (const spiffe_id of [
        'spiffe://example.org/team-a/../admin',
        'spiffe://example.org/team-a/%2e%2e/x',
        'SPIFFE://example.org/team-a/x',
      ]) {
        expect(await bench.refused('CreateEntry', { entry: entryOf('', { spiffe_id }) })).toMatchObject({
          reason: 'SPIFFE_ID_INVALID',
        });
      }
      bench.caller = ROOT;
    });
  });

  it('are logged when they change, with uid and pid and without selectors', async () => {
    await bench.call('CreateEntry', {
      entry: entryOf('/logged', { selectors: ['docker:env:KEY=canary', 'unix:uid:9'] }),
    });
    const line = bench.log.lines.at(-1);
    expect(line).toMatchObject({
      level: 'info',
      fields: { rpc: 'CreateEntry', uid: 0, pid: 7, spiffeId: 'spiffe://example.org/logged' },
    });
    expect(JSON.stringify(bench.log.lines)).not.toContain('canary');
  });
});
