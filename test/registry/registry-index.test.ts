// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { RegistryIndex } from '../../src/registry/registry-index.ts';
import { anEntry, anIdentity, NODE, NOW } from '../store/samples.ts';

function filled(): RegistryIndex {
  const index = new RegistryIndex(NODE, { graceMs: 1 });
  index.putIdentity(anIdentity());
  for (let i = 0; i < 50; i += 1) {
    // The later they come, the older they are.
    index.putEntry(anEntry({ id: `e${i}`, createdAt: NOW - i, selectors: ['unix:uid:1000', `unix:gid:${i % 2}`] }));
  }
  return index;
}

it('I9: one caller makes it look at the oldest so many entries, and it says how many there are', () => {
  const { entries, all } = filled().matching(['unix:uid:1000', 'unix:gid:1'], 3);
  expect(all).toBe(25);
  expect(entries.map((entry) => entry.id)).toEqual(['e49', 'e47', 'e45']);
});

it('an entry is found by its id, its identity and its selectors until it is deleted', () => {
  const index = filled();
  index.deleteEntry('e7');
  index.deleteEntry('e7');
  index.deleteEntry('nope');
  expect([index.entryCount, index.entry('e7'), index.entry('e8')?.id]).toEqual([49, undefined, 'e8']);
  expect(index.entriesOf('spiffe://td/a')).toHaveLength(49);
  expect(index.entriesOf('spiffe://td/nope')).toEqual([]);
  expect(index.matching(['unix:uid:1000', 'unix:gid:1'], 100).all).toBe(24);
  expect(index.matching(['unix:gid:1'], 100).all).toBe(0);
  expect(index.latestCreatedAt).toBe(NOW);
});

it('knows which identities have run out, and when the next one will', () => {
  const DAY = 86_400_000;
  const index = new RegistryIndex(NODE, { graceMs: 90 * DAY });
  const put = (name: string, expiresAt: number, state: 'active' | 'suspended' = 'active') =>
    index.putIdentity(anIdentity({ spiffeId: `spiffe://td/${name}`, expiresAt, state }));
  const due = (now: number) => index.due(now, 0, 99);
  expect(put('a', NOW)).toBe(NOW);
  put('b', NOW + 1);
  put('c', NOW + 2);
  expect(put('d', NOW - 1, 'suspended')).toBe(NOW - 1 + 90 * DAY);
  expect(due(NOW)).toEqual({ spiffeIds: ['spiffe://td/a'], next: NOW + 1, rest: undefined });
  put('a', NOW, 'suspended');
  put('b', NOW + 9);
  expect(due(NOW)).toEqual({ spiffeIds: [], next: NOW + 2, rest: undefined });
  const lastGrace = NOW + 90 * DAY;
  expect(due(NOW + 9).next).toBe(lastGrace - 1);
  expect(due(lastGrace - 1).spiffeIds).toContain('spiffe://td/d');
});

it('I9: tells of those that have run out a slice at a time', () => {
  const index = new RegistryIndex(NODE, { graceMs: 1 });
  for (let at = 0; at < 25; at += 1)
    index.putIdentity(anIdentity({ spiffeId: `spiffe://td/${at}`, expiresAt: NOW + (at === 24 ? 5 : 0) }));
  const seen: string[] = [];
  let slices = 0;
  for (let from: number | undefined = 0; from !== undefined; slices += 1) {
    const { spiffeIds, rest }: { readonly spiffeIds: readonly string[]; readonly rest: number | undefined } = index.due(
      NOW,
      from,
      10,
    );
    expect(spiffeIds.length).toBeLessThanOrEqual(10);
    seen.push(...spiffeIds);
    from = rest;
  }
  expect([slices, new Set(seen).size]).toEqual([3, 24]);
});
