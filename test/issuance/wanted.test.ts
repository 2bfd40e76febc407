// SPDX-License-Identifier: Apache-2.0
/** Some of a caller's identities, asked for by ID or as the default one: nothing is issued of the others. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anchors } from '../support/anchors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { tempDir } from '../support/temp-dir.ts';
import { TestCa } from '../support/test-ca.ts';

const MINUTE = 60_000;
const id = (name: string): string => `spiffe://example.org/${name}`;
const base = tempDir('wanted');
let at = 0;
let clock: FakeClock;
let rooms: Awaited<ReturnType<typeof lone>>;
let follower: TestFollower;

beforeEach(async () => {
  at += 1;
  clock = new FakeClock();
  rooms = await lone({ dataDir: `${base}/${at}`, clock });
  follower = new TestFollower();
});
afterEach(() => rooms.close());

const register = (name: string, more: object = {}) =>
  rooms.registry.createEntry({ entryId: name, spiffeId: id(name), selectors: ['unix:uid:1000'], ...more }, OPERATOR);
const follow = (first: boolean, ...names: readonly string[]) =>
  rooms.standings.followX509(new TestProcess(), follower, { first, spiffeIds: new Set(names.map(id)) });
const idsOf = (index: number): string[] => (follower.states[index]?.svids ?? []).map((svid) => svid.spiffeId);
const issued = (): readonly string[] =>
  rooms.ledger
    .list({}, { limit: 100 })
    .rows.map((row) => row.spiffeId)
    .sort();
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

describe('identities that are asked for', () => {
  it.each([
    [true, [], ['a']],
    [false, ['b'], ['b']],
    [true, ['c'], ['a', 'c']],
    [true, ['a'], ['a']],
    [false, ['c', 'b'], ['b', 'c']],
  ] as const)('I3, SDS-01: default %s and %j are issued, and no others', async (first, names, expected) => {
    for (const name of ['a', 'b', 'c']) await register(name);
    follow(first, ...names);
    await follower.until(1);
    expect(idsOf(0)).toEqual(expected.map(id));
    expect(issued()).toEqual(expected.map(id));
  });

  it('SDS-03: of an identity that the caller does not have, nothing is issued', async () => {
    await register('a');
    await register('theirs', { selectors: ['unix:uid:1001'] });
    follow(false, 'theirs');
    await follower.until(1);
    expect(idsOf(0)).toEqual([]);
    expect(issued()).toEqual([]);
  });

  it('SDS-01: trust domains are those of all the caller’s identities', async () => {
    await rooms.registry.putBundle('other.example', anchors([TestCa.create('other.example').der]), OPERATOR);
    await register('a');
    await register('b', { federatesWith: ['other.example'] });
    follow(true);
    await follower.until(1);
    expect(idsOf(0)).toEqual([id('a')]);
    expect([...(follower.states[0]?.federated.keys() ?? [])]).toEqual(['spiffe://other.example']);
  });

  it('SDS-15: are renewed, and the default one follows the entries', async () => {
    await register('a');
    await register('b');
    follow(true);
    await follower.until(1);
    await clock.advance(45 * MINUTE);
    await settle();
    expect(idsOf(1)).toEqual([id('a')]);
    await rooms.registry.deleteEntry('a', OPERATOR);
    await follower.until(3);
    expect(idsOf(2)).toEqual([id('b')]);
    expect(issued()).toEqual([id('a'), id('a'), id('b')]);
  });
});
