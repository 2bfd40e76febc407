// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { WitState } from '../../src/issuance/workload-identities.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { refusalOf } from '../support/refusal.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OWN = 'spiffe://example.org';

describe('the WIT identities of one caller', () => {
  let dataDir: string;
  let clock: FakeClock;
  let rooms: Awaited<ReturnType<typeof lone>>;
  let follower: TestFollower<WitState>;
  let caller: TestProcess;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'assay-wit-'));
    clock = new FakeClock();
    rooms = await lone({ dataDir, clock, wit: true });
    follower = new TestFollower<WitState>();
    caller = new TestProcess();
  });
  afterEach(async () => {
    await rooms.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const register = (name: string, more: object = {}) =>
    rooms.registry.createEntry(
      { entryId: name, spiffeId: `${OWN}/${name}`, selectors: ['unix:uid:1000'], ...more },
      OPERATOR,
    );
  const follow = (spiffeId = '') => rooms.standings.wit?.follow(caller, spiffeId, follower);
  const idsOf = (index: number): string[] => (follower.states[index]?.svids ?? []).map((svid) => svid.spiffeId);
  const claimsOf = (state: number, svid = 0): { exp: number; iat: number } =>
    JSON.parse(Buffer.from(follower.states[state]?.svids[svid]?.token.split('.')[1] as string, 'base64url').toString());
  /** Real I/O of the writer thread, which a fake clock does not drive. */
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));
  const advance = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await settle();
  };

  it('WAPI-33, I7: no grant is PERMISSION_DENIED, with a reason', async () => {
    follow();
    await follower.until(1);
    expect([follower.states.length, follower.failure?.kind, follower.failure?.reason]).toEqual([
      0,
      'permission-denied',
      'NO_ENTRY_MATCHES',
    ]);
  });

  it('WAPI-23: an identity asked for by name comes alone; one that is not granted is refused, also when it goes later', async () => {
    await register('a');
    await register('b');
    follow(`${OWN}/b`);
    await follower.until(1);
    expect(idsOf(0)).toEqual([`${OWN}/b`]);
    expect(rooms.store.list({ entryId: 'a' }, { limit: 10 }).rows).toEqual([]);
    const other = new TestFollower<WitState>();
    rooms.standings.wit?.follow(new TestProcess(101), `${OWN}/c`, other);
    await other.until(1);
    expect([other.states.length, other.failure?.reason]).toEqual([0, 'NOT_GRANTED']);
    await rooms.registry.deleteEntry('b', OPERATOR);
    await follower.until(2);
    expect([follower.states.length, follower.failure?.reason]).toEqual([1, 'NOT_GRANTED']);
  });

  it('WAPI-24: what is no ID of a workload is refused at once', () => {
    for (const bad of ['x', 'spiffe://example.org', 'spiffe://td/'])
      expect(refusalOf(() => follow(bad)).kind).toBe('invalid-argument');
    expect(rooms.standings.size).toBe(0);
  });

  it('WIT-19, I4: renewed at about half of its life, with a new key and a new token', async () => {
    await register('a');
    follow();
    await follower.until(1);
    await advance(0.449 * HOUR);
    expect(follower.states).toHaveLength(1);
    await advance(0.102 * HOUR);
    await follower.until(2);
    const [before, after] = follower.states.map(({ svids }) => svids[0]);
    expect(after?.privateKey).not.toBe(before?.privateKey);
    expect(after?.token).not.toBe(before?.token);
    const rows = rooms.store.list({ entryId: 'a' }, { limit: 10 }).rows;
    expect(rows.map(({ kind, delivered }) => [kind, delivered])).toEqual([
      ['wit', true],
      ['wit', true],
    ]);
  });

  it('I5: ends with its entry, and is not renewed towards that end; when the end moves, at once', async () => {
    const end = clock.now() + 20 * MINUTE;
    await register('a', { expiresAt: end });
    follow();
    await follower.until(1);
    expect(claimsOf(0).exp * 1000).toBeLessThanOrEqual(end);
    await advance(15 * MINUTE);
    expect(follower.states).toHaveLength(1);
    await rooms.registry.updateEntry('a', { expiresAt: end + 10 * HOUR }, OPERATOR);
    await follower.until(2);
    expect(claimsOf(1).exp * 1000).toBeGreaterThan(end);
  });

  it('I4, WAPI-05: a change that alters nothing of it re-sends token and key; a hint is one', async () => {
    await register('a');
    follow();
    await follower.until(1);
    await rooms.registry.updateEntry('a', { hint: 'internal' }, OPERATOR);
    await follower.until(2);
    const [before, after] = follower.states.map(({ svids }) => svids[0]);
    expect(after).toEqual({ ...before, hint: 'internal' });
  });

  it('WAPI-07: a new key of ours or a DNS name of the entry sends nothing: there is no bundle in the message', async () => {
    await register('a');
    follow();
    await follower.until(1);
    await rooms.wit?.prepare('test');
    await rooms.registry.updateEntry('a', { dnsNames: ['a.example'] }, OPERATOR);
    await settle();
    expect(follower.states).toHaveLength(1);
  });

  it('I8: nothing is issued by a clock that went back', async () => {
    await register('a');
    clock.jump(-5 * MINUTE);
    follow();
    await follower.until(1);
    expect([follower.failure?.kind, follower.failure?.reason]).toEqual(['unavailable', 'CLOCK_BEHIND']);
  });

  it('A2: nothing is sent to a process that has ended', async () => {
    await register('a');
    caller.end('exec');
    follow();
    await follower.until(1);
    expect([follower.states.length, follower.failure?.reason]).toEqual([0, 'CALLER_CHANGED']);
  });

  it('I10: no row and no file of the data folder holds a key of a holder, or a token', async () => {
    await register('a');
    follow();
    await follower.until(1);
    const [{ privateKey, token } = { privateKey: '{}', token: '' }] = follower.states[0]?.svids ?? [];
    expect(token).not.toBe('');
    const secret = (JSON.parse(privateKey) as { d: string }).d;
    for (const file of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const bytes = readFileSync(join(file.parentPath, file.name));
      for (const hidden of [secret, Buffer.from(secret, 'base64url'), token.split('.')[2] as string])
        expect(bytes.includes(hidden)).toBe(false);
    }
  });
});

it('WAPI-02: without the switch there is nothing to follow', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'assay-wit-'));
  const rooms = await lone({ dataDir, clock: new FakeClock() });
  expect(rooms.standings.wit).toBeUndefined();
  expect(rooms.store.loadAuthorities('wit')).toEqual([]);
  await rooms.close();
  rmSync(dataDir, { recursive: true, force: true });
});
