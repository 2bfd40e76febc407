// SPDX-License-Identifier: Apache-2.0
/** What was revoked is replaced at once for whoever still matches, and never sent where it was not sent yet. */
import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { X509BundlesState } from '../../src/issuance/workload-identities.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { CommitGate } from '../../src/store/sqlite/commit-gate.ts';
import { parseCrl } from '../../src/x509/crl-parse.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { withHeldRecord } from '../support/withheld.ts';

const BY = 'uid:0';
const ID = 'spiffe://example.org/web';
const top = tempDir('revocation');
let count = 0;
/** What a test that failed has left open. */
const open = new Set<() => Promise<void>>();
afterEach(async () => {
  for (const close of open) await close();
});

async function world(options: Partial<Parameters<typeof lone>[0]> = {}) {
  count += 1;
  const clock = new FakeClock();
  const now = () => (options.clock ?? clock).now();
  const rooms = await lone({ dataDir: `${top}/${count}`, clock, ...options });
  await rooms.registry.createEntry({ entryId: 'web', spiffeId: ID, selectors: ['unix:uid:1000'] }, OPERATOR);
  await rooms.registry.createEntry(
    { entryId: 'other', spiffeId: 'spiffe://example.org/other', selectors: ['unix:uid:2000'] },
    OPERATOR,
  );
  const follow = (process = new TestProcess()) => {
    const follower = new TestFollower();
    rooms.standings.followX509(process, follower);
    return follower;
  };
  const revoke = (scope: Parameters<typeof rooms.store.revocations.revoke>[0]) =>
    rooms.store.revocations.revoke(scope, 'key seen', BY, now());
  /** Real commits take real time, and what is due under this clock waits to be told. */
  const until = async (done: () => boolean): Promise<void> => {
    for (let at = 0; at < 1_000 && !done(); at += 1) {
      await clock.advance(0);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(done()).toBe(true);
  };
  const close = (): Promise<void> => {
    options.gate?.release();
    return open.delete(close) ? rooms.close() : Promise.resolve();
  };
  open.add(close);
  return { ...rooms, clock, follow, revoke, until, close };
}

const serialOf = (chain: Buffer | undefined): string =>
  new X509Certificate(chain as Buffer).serialNumber.toLowerCase().replace(/^0+(?=..)/, '');

describe('a stream whose SVID is revoked', () => {
  it.each([
    ['its serial', (serial: string) => ({ what: 'serial', serial }) as const],
    ['its entry', () => ({ what: 'entry', entryId: 'web' }) as const],
    ['its identity', () => ({ what: 'identity', spiffeId: ID }) as const],
  ])('I7: by %s goes on with another key and serial, at once', async (_, scopeOf) => {
    const { follow, revoke, store, close, until } = await world();
    const follower = follow();
    await until(() => follower.states.length >= 1);
    const before = follower.states[0]!.svids[0]!;
    const row = store.list({}, { limit: 1 }).rows[0]!;
    await revoke(scopeOf(row.serial));
    await until(() => follower.states.length >= 2);
    const after = follower.states[1]!.svids[0]!;
    expect(serialOf(after.chain)).not.toBe(serialOf(before.chain));
    expect(after.privateKey.equals(before.privateKey)).toBe(false);
    expect(after.spiffeId).toBe(ID);
    expect(store.list({ activeAt: store.latestTime() }, { limit: 9 }).rows).toHaveLength(1);
    await close();
  });

  it('I7: ends where its identity was suspended, and leaves nothing valid behind', async () => {
    const { follow, registry, store, clock, close, until } = await world();
    const follower = follow();
    await until(() => follower.states.length >= 1);
    await registry.suspendIdentity(ID, 'left', OPERATOR);
    await until(() => follower.failure !== undefined);
    expect(follower.failure?.kind).toBe('permission-denied');
    expect(store.list({ activeAt: clock.now() }, { limit: 9 }).rows).toEqual([]);
    await close();
  });

  it('I7: and was not sent yet is never sent: what goes out is another', async () => {
    const gate = new CommitGate();
    const { follow, revoke, store, close, until } = await world({ gate });
    gate.hold();
    const follower = follow();
    await gate.reached();
    // Asked for while the row is being written, and so committed right after it.
    const revoking = revoke({ what: 'entry', entryId: 'web' });
    gate.release();
    const revoked = await revoking;
    await until(() => follower.states.length >= 1);
    expect(revoked).toHaveLength(1);
    expect(follower.states.map(({ svids }) => serialOf(svids[0]?.chain))).not.toContain(revoked[0]?.serial);
    await until(() => store.bySerial(revoked[0]?.serial ?? '')?.delivered === false);
    await close();
  });

  it('I7: nor when no other can be made', async () => {
    const rooms = await world();
    const held = withHeldRecord(rooms);
    const follower = new TestFollower();
    held.standings.followX509(new TestProcess(), follower);
    await held.reached;
    expect(await rooms.revoke({ what: 'entry', entryId: 'web' })).toHaveLength(1);
    held.isFailing = true;
    held.release();
    await follower.until(1);
    expect(follower.states).toEqual([]);
    expect(follower.failure?.reason).toBe('NO_ACTIVE_AUTHORITY');
    held.standings.close();
    await rooms.close();
  });

  it('I7: nor in a thousand tries, whenever the revocation comes', async () => {
    const gate = new CommitGate();
    const { standings, revoke, close } = await world({ gate, clock: systemClock });
    const revoked = new Set<string>();
    for (let at = 0; at < 1_000; at += 1) {
      const follower = new TestFollower();
      gate.hold();
      const following = standings.followX509(new TestProcess(), follower);
      await gate.reached();
      const revoking = revoke({ what: 'entry', entryId: 'web' });
      for (let turn = 0; turn < at % 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      gate.release();
      for (const { serial } of await revoking) revoked.add(serial);
      await follower.until(1);
      following.stop();
      expect(revoked.has(serialOf(follower.states[0]?.svids[0]?.chain))).toBe(false);
    }
    // Each took back what was just being written; what went out instead falls to the next one.
    expect(revoked.size).toBeGreaterThanOrEqual(1_950);
    await close();
  }, 180_000);

  it('is told nothing where others are revoked a thousand times, nor of the lists that name them', async () => {
    const { follow, revoke, standings, clock, close, until } = await world();
    const [mine, other] = [follow(), follow(new TestProcess(200, 2000))];
    const bundles: X509BundlesState[] = [];
    standings.followX509Bundles(new TestProcess(), {
      send: async (state) => void bundles.push(state),
      end: () => undefined,
    });
    await until(() => mine.states.length >= 1 && other.states.length >= 1 && bundles.length >= 1);
    for (let at = 0; at < 1_000; at += 1) {
      await revoke({ what: 'entry', entryId: 'other' });
      await until(() => other.states.length >= at + 2);
      await clock.advance(2);
    }
    expect(mine.states).toHaveLength(1);
    expect(mine.failure).toBeUndefined();
    await clock.advance(200);
    await until(
      () => (bundles.at(-1)?.crls ?? []).flatMap((der) => [...parseCrl(der).revoked.keys()]).length === 1_000,
    );
    // Two seconds of revocations, gathered 200 ms each.
    expect(bundles.length).toBeLessThanOrEqual(12);
    await close();
  }, 180_000);
});

describe('revocation lists', () => {
  async function followBundles(rooms: Awaited<ReturnType<typeof world>>) {
    const told: X509BundlesState[] = [];
    rooms.standings.followX509Bundles(new TestProcess(), {
      send: async (state) => void told.push(state),
      end: () => undefined,
    });
    for (let at = 0; at < 200 && told.length === 0; at += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    return told;
  }
  const listed = (state: X509BundlesState | undefined): readonly string[] =>
    (state?.crls ?? []).flatMap((der) => [...parseCrl(der).revoked.keys()]);

  it('WAPI-06, WAPI-39: reach streams of bundles once a revocation is 200 ms old, many in one message', async () => {
    const rooms = await world();
    const { until } = rooms;
    const told = await followBundles(rooms);
    expect([told.length, told[0]?.crls.length, listed(told[0])]).toEqual([1, 1, []]);
    const follower = rooms.follow();
    await until(() => follower.states.length >= 1);
    const revoked: string[] = [];
    for (let at = 0; at < 20; at += 1) {
      for (const { serial } of await rooms.revoke({ what: 'entry', entryId: 'web' })) revoked.push(serial);
      await until(() => follower.states.length >= at + 2);
    }
    expect(told).toHaveLength(1);
    await rooms.clock.advance(200);
    await until(() => told.length >= 2);
    expect(told).toHaveLength(2);
    expect([...listed(told[1])].sort()).toEqual(revoked.sort());
    await rooms.close();
  });

  it.each([
    [false, 1],
    [true, 2],
  ])('WAPI-39: ride on the next message of X509-SVIDs, unless crl.push_x509_svid is %s', async (pushCrls, messages) => {
    const rooms = await world({ pushCrls });
    const { until } = rooms;
    const [mine, other] = [rooms.follow(), rooms.follow(new TestProcess(200, 2000))];
    await until(() => mine.states.length >= 1);
    await until(() => other.states.length >= 1);
    await rooms.revoke({ what: 'entry', entryId: 'other' });
    await until(() => other.states.length >= 2);
    await rooms.clock.advance(200);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await rooms.clock.advance(0);
    expect(mine.states).toHaveLength(messages);
    await rooms.clock.advance(40 * 60_000);
    await until(() => mine.states.length >= messages + 1);
    const crls = mine.states.at(-1)?.crls ?? [];
    expect(crls.flatMap((der) => [...parseCrl(der).revoked.keys()])).toHaveLength(1);
    await rooms.close();
  });
});

describe('a token that is revoked', () => {
  it('I7: is not given again, and not taken', async () => {
    const replayed: object[] = [];
    const detectors = { delivered: () => undefined, replayed: (what: object) => void replayed.push(what) };
    const { standings, store, revoke, close } = await world({ detectors });
    const desk = standings.jwt!.caller(new TestProcess());
    const { signal } = new AbortController();
    const fetched = async (): Promise<string> => {
      let token = '';
      await desk.fetch({ audiences: ['aud'], spiffeId: '' }, signal, (svids) => {
        token = svids[0]!.token;
      });
      return token;
    };
    const first = await fetched();
    expect(await fetched()).toBe(first);
    const [row] = store.list({}, { limit: 1 }).rows;
    await revoke({ what: 'serial', serial: row!.serial });
    const second = await fetched();
    expect(second).not.toBe(first);
    const refused = await refusalOfAsync(() =>
      desk.validate({ token: first, audience: 'aud' }, signal, () => undefined),
    );
    expect(refused.reason).toBe('TOKEN_REVOKED');
    expect(replayed).toEqual([{ kind: 'jwt', serial: row!.serial, identity: ID, by: 'uid:1000' }]);
    await desk.validate({ token: second, audience: 'aud' }, signal, ({ spiffeId }) => {
      expect(spiffeId.toString()).toBe(ID);
    });
    desk.close();
    await close();
  });

  it('I7: is not taken where its revocation was asked for while it was being looked at', async () => {
    const gate = new CommitGate();
    const { standings, store, revoke, close } = await world({ gate });
    const desk = standings.jwt!.caller(new TestProcess());
    const verifier = standings.jwt!.caller(new TestProcess(200, 2000));
    const { signal } = new AbortController();
    let token = '';
    await desk.fetch({ audiences: ['aud'], spiffeId: '' }, signal, (svids) => {
      token = svids[0]!.token;
    });
    const validated = () => verifier.validate({ token, audience: 'aud' }, signal, () => undefined);
    await validated();
    const [row] = store.list({}, { limit: 1 }).rows;
    gate.hold();
    const revoking = revoke({ what: 'serial', serial: row!.serial });
    await gate.reached();
    const refused = refusalOfAsync(validated);
    await new Promise((resolve) => setImmediate(resolve));
    gate.release();
    await revoking;
    expect((await refused).reason).toBe('TOKEN_REVOKED');
    desk.close();
    verifier.close();
    await close();
  });
});
