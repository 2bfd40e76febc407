// SPDX-License-Identifier: Apache-2.0
/** What every store must do for issuances and authorities. Part of `contract.ts`. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Change } from '../../src/store/records.ts';
import type { Store } from '../../src/store/store.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { anAuthority, anIdentity, anIssuance, BY, furnish, NOW } from './samples.ts';

/** `open` gives a fresh store; `reopen` closes it and opens it again over the same data. */
export function issuingContract(open: () => Promise<Store>, reopen: (store: Store) => Promise<Store>): void {
  let store: Store;
  let changes: Change[];

  beforeEach(async () => {
    store = await open();
    changes = [];
    store.onChanges((some) => changes.push(...some));
  });
  afterEach(() => store.close());

  describe('issuances', () => {
    beforeEach(() => furnish(store));

    it('I3: a row is there when its promise resolves, with a sequence of its own', async () => {
      const one = anIssuance({ marks: ['weak_peer', 'same_uid'] });
      const seqs = await Promise.all([one, anIssuance(), anIssuance()].map((issuance) => store.record(issuance)));
      expect(seqs).toEqual([{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
      const { decidedOn: _, ...columns } = one;
      const row = { ...columns, seq: 1, delivered: true, undeliveredReason: null, revokedAt: null, revokeReason: null };
      expect(store.bySerial(one.serial)).toEqual(row);
      store = await reopen(store);
      expect(store.bySerial(one.serial)).toEqual(row);
      expect(store.lastIssuanceSeq()).toBe(3);
      expect(await store.record(anIssuance())).toEqual({ seq: 4 });
    });

    const decidedOn = anIssuance().decidedOn;
    it.each([
      ['another revision of the entry', { decidedOn: { ...decidedOn, entryRevision: 2 } }],
      ['another revision of the identity', { decidedOn: { ...decidedOn, identityRevision: 2 } }],
      ['an entry that is gone', { entryId: 'gone', decidedOn: { ...decidedOn, entryId: 'gone' } }],
      ['an authority that is gone', { authorityId: 'bb', decidedOn: { ...decidedOn, authorityId: 'bb' } }],
      ['an entry of another identity', { spiffeId: 'spiffe://td/b' }],
    ])('I3: what was decided on %s is refused as stale', async (_, change) => {
      const refused = await refusalOfAsync(() => store.record(anIssuance(change)));
      expect([refused.kind, refused.reason]).toEqual(['aborted', 'DECISION_STALE']);
      expect(store.list({}, { limit: 10 }).rows).toEqual([]);
      expect(await store.record(anIssuance())).toEqual({ seq: 1 });
    });

    it.each([
      ['a suspended identity', () => store.updateIdentity(anIdentity({ revision: 2, state: 'suspended' }), BY), 2],
      ['a retired identity', () => store.updateIdentity(anIdentity({ revision: 2, state: 'retired' }), BY), 2],
    ])('I3: nothing is recorded for %s, though its revision is known', async (_, step, identityRevision) => {
      await step();
      const issuance = anIssuance({ decidedOn: { ...decidedOn, identityRevision } });
      expect((await refusalOfAsync(() => store.record(issuance))).reason).toBe('DECISION_STALE');
    });

    it.each(['prepared', 'old'] as const)('I3: nothing is recorded for an authority that is %s', async (slot) => {
      await store.replaceAuthorities('x509', [anAuthority({ slot, revision: 2 })], new Map([['aa', 1]]), 'aa', BY, NOW);
      expect((await refusalOfAsync(() => store.record(anIssuance()))).reason).toBe('DECISION_STALE');
    });

    it('I3: what is committed before it in the same batch makes a decision stale', async () => {
      const gone = store.deleteEntry('e1', BY, NOW);
      const refused = refusalOfAsync(() => store.record(anIssuance()));
      await gone;
      expect((await refused).reason).toBe('DECISION_STALE');
    });

    it('a serial is never used twice', async () => {
      const issuance = anIssuance();
      await store.record(issuance);
      await expect(store.record(issuance)).rejects.toMatchObject({ kind: 'internal' });
      expect(await store.record(anIssuance())).toEqual({ seq: 2 });
    });

    it('a row that was never sent says so', async () => {
      const issuance = anIssuance();
      const { seq } = await store.record(issuance);
      await store.markUndelivered(seq, 'the caller has gone');
      expect(store.bySerial(issuance.serial)).toMatchObject({
        delivered: false,
        undeliveredReason: 'the caller has gone',
      });
      expect((await refusalOfAsync(() => store.markUndelivered(99, 'x'))).reason).toBe('ISSUANCE_NOT_FOUND');
    });

    it('rows leave when they are old, and the sequence goes on', async () => {
      const old = Array.from({ length: 1201 }, (_, i) => store.record(anIssuance({ notAfter: NOW + i })));
      await Promise.all(old);
      expect(await store.prune(NOW + 1200)).toBe(1200);
      expect(store.list({}, { limit: 10 }).rows.map((row) => row.seq)).toEqual([1201]);
      expect(await store.prune(NOW + 2000)).toBe(1);
      store = await reopen(store);
      expect(await store.record(anIssuance())).toEqual({ seq: 1202 });
    });

    it('a serial that is none finds nothing', () => {
      for (const serial of ['', 'xyz', 'abc', 'AB', `${'00'.repeat(16)}`])
        expect(store.bySerial(serial)).toBeUndefined();
    });
  });

  describe('authorities', () => {
    const prepared = anAuthority({ id: 'bb', slot: 'prepared', published: Buffer.from('bb'), activatedAt: null });

    it('come back as they were put, with the bundle sequence, also after a restart', async () => {
      await store.replaceAuthorities('x509', [anAuthority()], new Map(), 'aa', BY, NOW);
      await store.replaceAuthorities('x509', [anAuthority(), prepared], new Map([['aa', 1]]), 'bb', BY, NOW);
      expect(changes.at(-1)).toEqual({
        seq: 2,
        at: NOW,
        by: BY,
        kind: 'authority',
        action: 'put',
        key: 'bb',
        authorities: [anAuthority(), prepared],
        bundleSequence: 2,
      });
      store = await reopen(store);
      expect(store.loadAuthorities()).toEqual([anAuthority(), prepared]);
      expect(store.ownBundleSequence()).toBe(2);
      const tainted = anAuthority({ slot: 'old', oldAt: NOW + 1, taintedAt: NOW + 2, revision: 2 });
      const revisions = new Map([
        ['aa', 1],
        ['bb', 1],
      ]);
      await store.replaceAuthorities('x509', [tainted, prepared], revisions, 'aa', BY, NOW);
      store = await reopen(store);
      expect(store.loadAuthorities()).toEqual([tainted, prepared]);
      expect(store.ownBundleSequence()).toBe(2);
    });

    it('BUN-03: the bundle sequence grows when the certificates change and only then', async () => {
      await store.replaceAuthorities('x509', [anAuthority(), prepared], new Map(), 'aa', BY, NOW);
      expect(store.ownBundleSequence()).toBe(1);
      const swapped = [
        anAuthority({ slot: 'old', revision: 2 }),
        { ...prepared, slot: 'active', revision: 2 } as const,
      ];
      const revisions = new Map([
        ['aa', 1],
        ['bb', 1],
      ]);
      await store.replaceAuthorities('x509', swapped, revisions, 'bb', BY, NOW);
      expect(store.ownBundleSequence()).toBe(1);
      await store.replaceAuthorities(
        'x509',
        swapped.slice(1),
        new Map([...revisions.keys()].map((id) => [id, 2])),
        'aa',
        BY,
        NOW,
      );
      expect(store.ownBundleSequence()).toBe(2);
    });

    it.each([
      ['none is expected', new Map()],
      ['another revision is expected', new Map([['aa', 2]])],
      ['another one is expected', new Map([['bb', 1]])],
      [
        'one more is expected',
        new Map([
          ['aa', 1],
          ['bb', 1],
        ]),
      ],
    ])('a step is refused when %s', async (_, expected) => {
      await store.replaceAuthorities('x509', [anAuthority()], new Map(), 'aa', BY, NOW);
      const step = () => store.replaceAuthorities('x509', [prepared], expected, 'bb', BY, NOW);
      expect(await refusalOfAsync(step)).toMatchObject({ kind: 'aborted', reason: 'REVISION_CONFLICT' });
      expect(store.loadAuthorities()).toEqual([anAuthority()]);
      expect(store.ownBundleSequence()).toBe(1);
    });

    it('know the latest end of what they signed, whatever a step says', async () => {
      await furnish(store);
      await Promise.all([7000, 9000, 8000].map((ms) => store.record(anIssuance({ notAfter: NOW + ms }))));
      expect(store.loadAuthorities()[0]?.lastSvidNotAfter).toBe(NOW + 9000);
      const step = anAuthority({ slot: 'old', revision: 2, lastSvidNotAfter: NOW + 1000 });
      const recorded = store.record(anIssuance({ notAfter: NOW + 9500 }));
      await store.replaceAuthorities('x509', [step], new Map([['aa', 1]]), 'aa', BY, NOW);
      await recorded;
      expect(store.loadAuthorities()[0]?.lastSvidNotAfter).toBe(NOW + 9500);
      expect(changes.at(-1)).toMatchObject({ authorities: [{ lastSvidNotAfter: NOW + 9500 }] });
    });
  });
}
