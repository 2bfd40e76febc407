// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { EntryFilter, IdentityFilter, IssuanceFilter, Listed, Page, Store } from '../../src/store/store.ts';
import { refusalOf } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anEntry, anIdentity, anIssuance, BY, furnish, NOW } from './samples.ts';

const dir = join(tempDir('listing'), 'data');
let store: Store;

/** All rows, page by page, and how many pages it took. */
function all<Row>(list: (page: Page) => Listed<Row>, limit: number): { rows: Row[]; pages: number } {
  const rows: Row[] = [];
  let pages = 0;
  for (let after: string | undefined; ; ) {
    const page = list({ limit, ...(after === undefined ? {} : { after }) });
    pages += 1;
    rows.push(...page.rows);
    after = page.next;
    if (after === undefined) return { rows, pages };
  }
}

const idsOf = (filter: EntryFilter, limit = 2) =>
  all((page) => store.listEntries(filter, page), limit).rows.map((entry) => entry.id);

beforeAll(async () => {
  store = await openStore(dir);
  await furnish(store);
  const put = async (id: string, name: string, change: object, identity: object = {}) => {
    const spiffeId = `spiffe://td/${name}`;
    const known = store.listEntries({ spiffeId }, { limit: 1 }).rows.length > 0;
    const record = known ? undefined : anIdentity({ spiffeId, ...identity });
    await store.createEntry(anEntry({ id, spiffeId, ...change }), record, BY);
  };
  await put(
    'b2',
    'b',
    { createdAt: NOW + 1, selectors: ['unix:gid:1', 'unix:uid:1'], hint: 'h' },
    { state: 'suspended' },
  );
  await put('b1', 'b', { createdAt: NOW + 1, selectors: ['unix:uid:1'], federatesWith: ['other', 'x'] });
  await put(
    'c1',
    'b/c',
    { createdAt: NOW - 1, selectors: ['unix:uid:1'], parentId: 'spiffe://td/spire/server' },
    {
      kind: 'bot',
      expiresAt: NOW + 5,
    },
  );
});

describe('entries', () => {
  it('are listed by age, then id, whatever the page size', () => {
    for (const limit of [1, 2, 3, 4, 1000]) expect(idsOf({}, limit)).toEqual(['c1', 'e1', 'b1', 'b2']);
  });

  it.each<[string, EntryFilter, string[]]>([
    ['a SPIFFE ID', { spiffeId: 'spiffe://td/b' }, ['b1', 'b2']],
    ['a SPIFFE ID that is not there', { spiffeId: 'spiffe://td/z' }, []],
    ['a prefix', { spiffeIdPrefix: 'spiffe://td/b/' }, ['c1']],
    ['a parent', { parentId: 'spiffe://td/spire/server' }, ['c1']],
    ['a selector', { selectors: ['unix:uid:1'] }, ['c1', 'b1', 'b2']],
    ['two selectors', { selectors: ['unix:uid:1', 'unix:gid:1'] }, ['b2']],
    ['a selector that is part of another', { selectors: ['unix:uid:10'] }, []],
    ['a trust domain', { federatesWith: 'other' }, ['b1']],
    ['a part of a trust domain', { federatesWith: 'othe' }, []],
    ['a hint', { hint: 'h' }, ['b2']],
    ['several at once', { spiffeId: 'spiffe://td/b', selectors: ['unix:uid:1'], federatesWith: 'x' }, ['b1']],
    ['pattern characters', { spiffeIdPrefix: 'spiffe://td/%' }, []],
  ])('can be asked for by %s', (_, filter, ids) => {
    expect(idsOf(filter, 1)).toEqual(ids);
    expect(idsOf(filter, 1000)).toEqual(ids);
  });
});

it('identities are listed by SPIFFE ID and can be asked for', () => {
  const ids = (filter: IdentityFilter) =>
    all((page) => store.listIdentities(filter, page), 1).rows.map((identity) => identity.spiffeId.slice(12));
  expect(ids({})).toEqual(['a', 'b', 'b/c']);
  expect(ids({ state: 'suspended' })).toEqual(['b']);
  expect(ids({ kind: 'bot' })).toEqual(['b/c']);
  expect(ids({ owner: BY })).toHaveLength(3);
  expect(ids({ expiresBefore: NOW + 6 })).toEqual(['b/c']);
  // Whichever comes first: its end or its review.
  expect(ids({ expiresBefore: NOW + 4 })).toEqual([]);
  expect(ids({ spiffeIdPrefix: 'spiffe://td/b', state: 'active' })).toEqual(['b/c']);
});

it('issuances are listed from the newest and can be asked for', async () => {
  for (let i = 0; i < 5; i += 1) await store.record(anIssuance({ notAfter: NOW + i * 1000 }));
  const seqs = (filter: IssuanceFilter) => all((page) => store.list(filter, page), 2).rows.map((row) => row.seq);
  expect(seqs({})).toEqual([5, 4, 3, 2, 1]);
  expect(seqs({ activeAt: NOW + 2000 })).toEqual([5, 4]);
  expect(seqs({ activeAt: NOW - 20_000 })).toEqual([]);
  expect(seqs({ spiffeId: 'spiffe://td/a', entryId: 'e1' })).toEqual([5, 4, 3, 2, 1]);
  expect(seqs({ spiffeId: 'spiffe://td/b' })).toEqual([]);
  expect(seqs({ entryId: 'e2' })).toEqual([]);
});

it('a filter that few rows pass looks at a bounded window in each call', async () => {
  const many = join(dir, '..', 'many');
  await (await openStore(many)).close();
  const db = new Database(join(many, 'assay.db'));
  const count = 12_000;
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO identity SELECT i, 'spiffe://td/' || i, 'o', NULL, CASE i WHEN ${count} THEN 'bot' ELSE 'job' END, NULL,
      '[]', 'active', NULL, 0, 0, 0, 'b', 1, NULL, NULL FROM n`);
  db.close();
  const big = await openStore(many);
  const found = all((page) => big.listIdentities({ kind: 'bot' }, page), 10);
  expect(found.rows.map((identity) => identity.spiffeId)).toEqual([`spiffe://td/${count}`]);
  expect(found.pages).toBe(3);
});

it.each([0, -1, 1001, 1.5, Number.NaN])('I9: a page of %p rows is refused', (limit) => {
  expect(refusalOf(() => store.listEntries({}, { limit }))).toMatchObject({ reason: 'PAGE_INVALID', field: 'limit' });
});

it.each(['', 'x', '[]', '[1]', '["a","b"]]', '{"0":1}', '[null,"a"]', '[1.5,"a"]'])(
  'a page token that is none is refused: %j',
  (after) => {
    const refused = refusalOf(() => store.listEntries({}, { limit: 1, after }));
    expect([refused.kind, refused.reason]).toEqual(['invalid-argument', 'PAGE_TOKEN_INVALID']);
  },
);
