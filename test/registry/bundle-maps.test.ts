// SPDX-License-Identifier: Apache-2.0
/** A bundle map as the whole state of the bundles set by hand. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BundleContent, Change } from '../../src/store/records.ts';
import { anAuthority, NOW } from '../store/samples.ts';
import { anchors } from '../support/anchors.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { Ca } from '../x509/pki.ts';
import { OPERATOR, openRoom } from './rooms.ts';

const ONE = anchors([Ca.root().der]);
const TWO = anchors([Ca.root().der]);
const nothing = (): boolean => false;
const mapOf = (members: Record<string, BundleContent>): Map<string, BundleContent> => new Map(Object.entries(members));

async function opened(limits = {}) {
  const room = await openRoom(limits);
  const { registry } = room;
  const changes: (readonly Change[])[] = [];
  registry.onChange((told) => changes.push(told));
  return {
    ...room,
    changes,
    set: (members: Record<string, BundleContent>, mode: 'restrict' | 'dissociate' | 'delete' = 'restrict') =>
      registry.setBundleMap(mapOf(members), nothing, mode, OPERATOR),
    state: () => new Map(registry.foreignBundles().map(({ trustDomain, certificates }) => [trustDomain, certificates])),
  };
}

it('BUN-17: what the map has is put, what it leaves out is dropped, what is as it was is left alone, all at once', async () => {
  const { registry, set, state, changes } = await opened();
  await registry.putBundle('same.org', ONE, OPERATOR);
  await registry.putBundle('other.org', ONE, OPERATOR);
  await registry.putBundle('gone.org', ONE, OPERATOR);
  const plan = await set({ 'same.org': ONE, 'other.org': TWO, 'new.org': ONE });
  expect(plan).toMatchObject({ unchanged: ['same.org'], deleted: ['gone.org'] });
  expect(changes.slice(3).map((told) => told.map(({ seq, action, key }) => [seq, action, key]))).toEqual([
    [
      [4, 'put', 'other.org'],
      [5, 'put', 'new.org'],
      [6, 'delete', 'gone.org'],
    ],
  ]);
  expect(state()).toEqual(
    new Map([
      ['new.org', ONE.certificates],
      ['other.org', TWO.certificates],
      ['same.org', ONE.certificates],
    ]),
  );
  expect((await set({ 'same.org': ONE, 'other.org': TWO, 'new.org': ONE })).unchanged).toHaveLength(3);
  expect(registry.lastChangeSeq).toBe(6);
});

it('BUN-14: an empty map drops all', async () => {
  const { set, state } = await opened();
  await set({ 'a.org': ONE, 'b.org': ONE });
  expect((await set({})).deleted).toEqual(['a.org', 'b.org']);
  expect(state().size).toBe(0);
});

describe('BUN-17: one bad bundle refuses the whole map', () => {
  const ours = Ca.root().der;

  it.each([
    ['our own', { td: ONE }, 'BUNDLE_IS_OWN', 'trust_domains "td" is refused: it is our own'],
    ['BUN-13: a key of ours', { 'b.org': anchors([ours]) }, 'BUNDLE_HOLDS_OWN_ROOT', '"b.org"'],
    ['no name', { 'spiffe://b.org': ONE }, 'TRUST_DOMAIN_INVALID', 'trust_domains "spiffe://b.org"'],
    [
      'I9: too many certificates',
      { 'b.org': anchors([...ONE.certificates, ...ONE.certificates]) },
      'LIMIT_REACHED',
      '',
    ],
    ['I9: too many bundles', { 'b.org': ONE, 'c.org': ONE, 'd.org': ONE }, 'LIMIT_REACHED', 'foreign_bundles'],
  ])('%s', async (_, bad, reason, words) => {
    const { registry, store, set, state } = await opened({ foreignBundles: 3, certificatesPerBundle: 1 });
    await store.replaceAuthorities('x509', [anAuthority({ published: ours })], new Map(), 'aa', 'uid:0', NOW);
    await registry.putBundle('gone.org', ONE, OPERATOR);
    const before = registry.lastChangeSeq;
    const failure = await refusalOfAsync(() => set({ 'a.org': ONE, ...bad } as Record<string, BundleContent>));
    expect(failure.reason).toBe(reason);
    expect(failure.message).toContain(words);
    expect(failure.hint).toBeDefined();
    expect([registry.lastChangeSeq, [...state().keys()]]).toEqual([before, ['gone.org']]);
  });
});

describe('a bundle that a relationship fetches', () => {
  const isFetched = (name: string): boolean => name === 'fetched.org';

  it('BUN-17: is no part of what is set by hand: it stays, and counts', async () => {
    const { registry, state } = await opened({ foreignBundles: 2 });
    await registry.putBundle('fetched.org', ONE, 'federation');
    await registry.putBundle('gone.org', ONE, OPERATOR);
    await registry.setBundleMap(mapOf({ 'a.org': ONE }), isFetched, 'restrict', OPERATOR);
    expect([...state().keys()]).toEqual(['a.org', 'fetched.org']);
    const many = await refusalOfAsync(() =>
      registry.setBundleMap(mapOf({ 'a.org': ONE, 'b.org': ONE }), isFetched, 'restrict', OPERATOR),
    );
    expect(many.reason).toBe('LIMIT_REACHED');
  });

  it('BUN-17: and is in the map too refuses it, naming both', async () => {
    const { registry, state } = await opened();
    await registry.putBundle('fetched.org', ONE, 'federation');
    const map = mapOf({ 'a.org': ONE, 'fetched.org': TWO });
    const refused = await refusalOfAsync(() => registry.setBundleMap(map, isFetched, 'restrict', OPERATOR));
    expect(refused).toMatchObject({ kind: 'failed-precondition', reason: 'BUNDLE_IS_FETCHED', field: 'trust_domains' });
    expect(refused.message).toContain('the relationship with "fetched.org" fetches that bundle');
    expect(refused.hint).toContain('assay federation delete fetched.org');
    expect(state()).toEqual(new Map([['fetched.org', ONE.certificates]]));
  });
});

describe('a bundle that leaves while entries federate with it', () => {
  async function federating() {
    const room = await opened();
    await room.set({ 'a.org': ONE, 'b.org': ONE, 'kept.org': ONE });
    for (const [entryId, federatesWith] of Object.entries({
      e1: ['a.org', 'b.org', 'kept.org'],
      e2: ['b.org'],
      e3: ['kept.org'],
    }))
      await room.registry.createEntry(
        { spiffeId: `spiffe://td/${entryId}`, entryId, selectors: ['unix:uid:1'], federatesWith },
        OPERATOR,
      );
    const left = () => ['e1', 'e2', 'e3'].map((id) => room.registry.entry(id)?.federatesWith);
    return { ...room, left };
  }

  it('BUN-17: refuses the map, unless said otherwise', async () => {
    const { set, state, left } = await federating();
    const refused = await refusalOfAsync(() => set({ 'kept.org': TWO }));
    expect([refused.kind, refused.reason]).toEqual(['failed-precondition', 'BUNDLE_IN_USE']);
    expect(refused.message).toMatch(/"[ab]\.org" is kept: entry "e[12]" federates with it/);
    expect(state().get('kept.org')).toEqual(ONE.certificates);
    expect(left()).toEqual([['a.org', 'b.org', 'kept.org'], ['b.org'], ['kept.org']]);
  });

  it('by dissociate is taken out of them, each entry once', async () => {
    const { registry, set, state, left } = await federating();
    await set({ 'kept.org': TWO }, 'dissociate');
    expect([...state().keys()]).toEqual(['kept.org']);
    expect(left()).toEqual([['kept.org'], [], ['kept.org']]);
    expect(registry.entry('e1')?.revision).toBe(2);
  });

  it('by delete takes them along, and no others', async () => {
    const { set, left } = await federating();
    await set({ 'kept.org': ONE }, 'delete');
    expect(left()).toEqual([undefined, undefined, ['kept.org']]);
  });
});

it('BUN-17: whatever is set at the same time, the map is all there is when it is done, and nothing is lost after it', async () => {
  const { registry, set, state } = await opened();
  await set({ 'a.org': ONE });
  const before = registry.putBundle('late.org', ONE, OPERATOR);
  const changed = registry.putBundle('a.org', TWO, OPERATOR);
  const map = set({ 'a.org': ONE, 'b.org': ONE });
  await Promise.all([before, changed, map]);
  expect([...state()]).toEqual([
    ['a.org', ONE.certificates],
    ['b.org', ONE.certificates],
  ]);
});

it('BUN-17: any two maps, one after the other, leave what the second has', async () => {
  const names = fc.constantFrom('a.org', 'b.org', '__proto__', 'constructor');
  const map = fc.uniqueArray(fc.tuple(names, fc.constantFrom(ONE, TWO)), { selector: ([name]) => name });
  const { registry } = await openRoom();
  await fc.assert(
    fc.asyncProperty(map, async (members) => {
      const before = registry.lastChangeSeq;
      const plan = await registry.setBundleMap(new Map(members), nothing, 'restrict', OPERATOR);
      expect(new Map(registry.foreignBundles().map((one) => [one.trustDomain, one.certificates]))).toEqual(
        new Map(members.map(([name, { certificates }]) => [name, certificates])),
      );
      expect(registry.lastChangeSeq - before).toBe(plan.put.length + plan.deleted.length);
    }),
    { numRuns: 50 },
  );
});
