// SPDX-License-Identifier: Apache-2.0
/** What every store must do, whatever stands behind it. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { entriesIn, unpackIdentity } from '../../src/store/packed.ts';
import type { Change } from '../../src/store/records.ts';
import type { Store } from '../../src/store/store.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { anEntry, anIdentity, anIssuance, BY, furnish, NOW } from './samples.ts';

/** `open` gives a fresh store; `reopen` closes it and opens it again over the same data. */
export function storeContract(open: () => Promise<Store>, reopen: (store: Store) => Promise<Store>): void {
  let store: Store;
  let changes: Change[];

  beforeEach(async () => {
    store = await open();
    changes = [];
    store.onChanges((some) => changes.push(...some));
  });
  afterEach(() => store.close());

  const entries = () => [...entriesIn(store.loadEntries())];
  const identities = () =>
    [...store.loadIdentities()].flatMap((chunk) => chunk.toString().split('\x1e')).map(unpackIdentity);

  describe('entries and identities', () => {
    const full = anEntry({
      id: '__proto__',
      selectors: ['docker:env:A=b c', 'unix:uid:1000'],
      x509TtlSeconds: 60,
      jwtTtlSeconds: 300,
      dnsNames: ['b.example.org', 'a.example.org'],
      federatesWith: ['__proto__', 'other.org'],
      hint: 'größer',
      expiresAt: NOW + 5,
      claimedAccepted: true,
      admin: true,
      jwtJti: true,
    });
    const labelled = anIdentity({
      purpose: 'pays ünvoices',
      environment: 'prod',
      labels: new Map([
        ['__proto__', 'x'],
        ['tab', 'a\tb'],
      ]),
    });

    it('come back as they were put, also after a restart', async () => {
      await store.createEntry(full, labelled, BY);
      for (const again of [false, true]) {
        if (again) store = await reopen(store);
        expect(entries()).toEqual([full]);
        expect(identities()).toEqual([labelled]);
        expect(store.listEntries({}, { limit: 10 }).rows).toEqual([full]);
        expect(store.listIdentities({}, { limit: 10 }).rows).toEqual([labelled]);
      }
    });

    it('tell their changes before the promise resolves, without gaps', async () => {
      await store.createEntry(full, labelled, BY);
      expect(changes).toEqual([
        { seq: 1, at: NOW, by: BY, kind: 'identity', action: 'put', key: 'spiffe://td/a', identity: labelled },
        { seq: 2, at: NOW, by: BY, kind: 'entry', action: 'put', key: '__proto__', entry: full },
      ]);
      await store.createEntry(anEntry(), undefined, BY);
      await store.deleteEntry('e1', BY, NOW + 1);
      expect(changes.slice(2)).toMatchObject([
        { seq: 3, kind: 'entry', action: 'put', key: 'e1' },
        { seq: 4, at: NOW + 1, kind: 'entry', action: 'delete', key: 'e1' },
      ]);
      expect(store.lastChangeSeq()).toBe(4);
    });

    it('refuse the same SPIFFE ID, parent and selectors again, naming the entry that is there', async () => {
      await store.createEntry(anEntry(), anIdentity(), BY);
      const refused = await refusalOfAsync(() => store.createEntry(anEntry({ id: 'e2' }), undefined, BY));
      expect([refused.kind, refused.reason, refused.value]).toEqual(['already-exists', 'ENTRY_EXISTS', 'e1']);
      expect(refused.message).toContain('"e1"');
      await store.createEntry(anEntry({ id: 'e2', parentId: 'spiffe://td/spire/server' }), undefined, BY);
      await store.createEntry(
        anEntry({ id: 'e3', spiffeId: 'spiffe://td/b' }),
        anIdentity({ spiffeId: 'spiffe://td/b' }),
        BY,
      );
      expect(entries().map((entry) => entry.id)).toEqual(['e1', 'e2', 'e3']);
    });

    it('refuse an id that is taken', async () => {
      await store.createEntry(anEntry(), anIdentity(), BY);
      const again = () => store.createEntry(anEntry({ selectors: ['unix:uid:1'] }), undefined, BY);
      expect(await refusalOfAsync(again)).toMatchObject({ kind: 'already-exists', reason: 'ENTRY_ID_EXISTS' });
    });

    it('refuse an identity that came or went since it was decided on', async () => {
      const missing = await refusalOfAsync(() => store.createEntry(anEntry(), undefined, BY));
      expect([missing.kind, missing.reason]).toEqual(['aborted', 'REVISION_CONFLICT']);
      await store.createEntry(anEntry(), anIdentity(), BY);
      const came = () =>
        store.createEntry(anEntry({ id: 'e2', selectors: ['unix:uid:1'] }), anIdentity({ owner: 'x' }), BY);
      expect((await refusalOfAsync(came)).reason).toBe('REVISION_CONFLICT');
      expect(identities()).toEqual([anIdentity()]);
      expect(store.lastChangeSeq()).toBe(2);
    });

    it('a retired identity takes no entry and no change', async () => {
      await store.createEntry(anEntry(), anIdentity(), BY);
      await store.updateIdentity(anIdentity({ state: 'retired', revision: 2 }), BY);
      const entry = await refusalOfAsync(() =>
        store.createEntry(anEntry({ id: 'e2', selectors: ['a:b'] }), undefined, BY),
      );
      const identity = await refusalOfAsync(() => store.updateIdentity(anIdentity({ revision: 3 }), BY));
      for (const refused of [entry, identity]) {
        expect([refused.kind, refused.reason]).toEqual(['failed-precondition', 'IDENTITY_RETIRED']);
      }
    });

    it('take an update from the stored revision only', async () => {
      await store.createEntry(anEntry(), anIdentity(), BY);
      await store.updateEntry(anEntry({ revision: 2, selectors: ['unix:uid:2', 'unix:uid:3'] }), BY);
      const late = await refusalOfAsync(() => store.updateEntry(anEntry({ revision: 2, hint: 'late' }), BY));
      expect([late.kind, late.reason]).toEqual(['aborted', 'REVISION_CONFLICT']);
      await store.updateIdentity(anIdentity({ revision: 2, state: 'suspended' }), BY);
      const lateIdentity = await refusalOfAsync(() =>
        store.updateIdentity(anIdentity({ revision: 2, owner: 'x' }), BY),
      );
      expect(lateIdentity.reason).toBe('REVISION_CONFLICT');
      expect(entries()).toEqual([anEntry({ revision: 2, selectors: ['unix:uid:2', 'unix:uid:3'] })]);
      expect(identities()).toEqual([anIdentity({ revision: 2, state: 'suspended' })]);
    });

    it('an update may not become another entry', async () => {
      await store.createEntry(anEntry(), anIdentity(), BY);
      await store.createEntry(anEntry({ id: 'e2', selectors: ['unix:uid:2'] }), undefined, BY);
      const refused = await refusalOfAsync(() => store.updateEntry(anEntry({ id: 'e2', revision: 2 }), BY));
      expect([refused.reason, refused.value]).toEqual(['ENTRY_EXISTS', 'e1']);
    });

    it('an entry that is not there is named', async () => {
      for (const run of [
        () => store.deleteEntry('nope', BY, NOW),
        () => store.updateEntry(anEntry({ id: 'nope' }), BY),
      ]) {
        expect(await refusalOfAsync(run)).toMatchObject({
          kind: 'not-found',
          reason: 'ENTRY_NOT_FOUND',
          value: 'nope',
        });
      }
      expect((await refusalOfAsync(() => store.updateIdentity(anIdentity(), BY))).reason).toBe('IDENTITY_NOT_FOUND');
    });

    it('deleting the last entry leaves the identity', async () => {
      await store.createEntry(anEntry(), anIdentity(), BY);
      await store.deleteEntry('e1', BY, NOW);
      expect(identities()).toEqual([anIdentity()]);
      await store.createEntry(anEntry(), undefined, BY);
      expect(entries()).toHaveLength(1);
    });
  });

  describe('foreign bundles', () => {
    const bundle = {
      trustDomain: '__proto__',
      certificates: [Buffer.from('two'), Buffer.from('one')],
      jwtKeys: [
        { kid: 'z', publicKey: Buffer.from('key z') },
        { kid: 'a', publicKey: Buffer.from('key a') },
      ],
      sequence: 18446744073709551615n,
      refreshHintSeconds: 60,
      updatedAt: NOW,
      updatedBy: BY,
    };

    it('ID-19: come back as they were put, whatever the trust domain is called', async () => {
      await store.putBundle({ ...bundle, certificates: [Buffer.from('older')] });
      await store.putBundle(bundle);
      await store.putBundle({ ...bundle, trustDomain: 'empty.org', certificates: [] });
      expect(changes.map((change) => [change.seq, change.key])).toEqual([
        [1, '__proto__'],
        [2, '__proto__'],
        [3, 'empty.org'],
      ]);
      store = await reopen(store);
      expect([...store.loadBundles()]).toEqual([bundle, { ...bundle, trustDomain: 'empty.org', certificates: [] }]);
    });

    it('can be deleted once', async () => {
      await store.putBundle(bundle);
      await store.deleteBundle('__proto__', BY, NOW);
      expect([...store.loadBundles()]).toEqual([]);
      const again = await refusalOfAsync(() => store.deleteBundle('__proto__', BY, NOW));
      expect([again.kind, again.reason]).toEqual(['not-found', 'BUNDLE_NOT_FOUND']);
    });
  });

  describe('what is fixed at the first start', () => {
    it('stays', async () => {
      expect(store.getMeta('trust_domain')).toBeUndefined();
      await store.setMetaOnce('trust_domain', 'td');
      await store.setMetaOnce('trust_domain', 'td');
      const other = await refusalOfAsync(() => store.setMetaOnce('trust_domain', 'other'));
      expect([other.kind, other.reason]).toEqual(['failed-precondition', 'META_FIXED']);
      expect(other.message).toContain('"td"');
      store = await reopen(store);
      expect(store.getMeta('trust_domain')).toBe('td');
    });

    it('the latest time of any row is known (I8)', async () => {
      expect(store.latestTime()).toBeLessThan(NOW);
      await furnish(store);
      expect(store.latestTime()).toBe(NOW);
      await store.record(anIssuance({ issuedAt: NOW + 77 }));
      await store.deleteEntry('e1', BY, NOW + 5);
      store = await reopen(store);
      expect(store.latestTime()).toBe(NOW + 77);
    });
  });

  it('keeps the last changes that cursors may need', async () => {
    await store.createEntry(anEntry(), anIdentity(), BY);
    for (let i = 0; i < 10; i += 1)
      await store.putBundle({
        trustDomain: 'o',
        certificates: [],
        jwtKeys: [],
        sequence: null,
        refreshHintSeconds: null,
        updatedAt: NOW,
        updatedBy: BY,
      });
    expect(await store.pruneChanges(4)).toBe(8);
    expect(await store.pruneChanges(4)).toBe(0);
    expect(await store.pruneChanges(0)).toBe(3);
    store = await reopen(store);
    expect(store.lastChangeSeq()).toBe(12);
  });

  it('after close nothing is written and closing again does nothing', async () => {
    const pending = store.createEntry(anEntry(), anIdentity(), BY);
    await store.close();
    await pending;
    await store.close();
    expect((await refusalOfAsync(() => store.deleteEntry('e1', BY, NOW))).reason).toBe('STORE_CLOSED');
  });
}
