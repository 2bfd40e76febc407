// SPDX-License-Identifier: Apache-2.0
/**
 * What happens to a credential whose row is written and waits for its fsync, while the ground for it goes away. The writer is
 * held open just before the commit; only then is the entry deleted, the identity suspended, the caller killed. A thousand
 * tries each, and the refusing branch must really have been taken.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/lib/clock.ts';
import { CommitGate } from '../../src/store/sqlite/commit-gate.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { tempDir } from '../support/temp-dir.ts';

const TRIES = 1_000;
const REFUSED_AT_LEAST = 950;

describe('a credential whose row waits for the fsync', () => {
  const gate = new CommitGate();
  const dataDir = tempDir('held');
  let rooms: Awaited<ReturnType<typeof lone>>;

  beforeAll(async () => {
    rooms = await lone({ dataDir, clock: systemClock, gate });
  });
  afterAll(() => rooms.close());

  /** Opens a stream, lets `withdraw` happen while its row is held, and says how it went. */
  const attempt = async (entryId: string, withdraw: (process: TestProcess) => Promise<unknown>) => {
    const process = new TestProcess();
    const follower = new TestFollower();
    gate.hold();
    const following = rooms.standings.followX509(process, follower);
    await gate.reached();
    const withdrawn = withdraw(process);
    // The withdrawal is asked for before the commit returns; it is queued behind it.
    await new Promise((resolve) => setImmediate(resolve));
    gate.release();
    await withdrawn;
    await follower.until(1);
    following.stop();
    const rows = rooms.store.list({ entryId }, { limit: 10 }).rows;
    return { sent: follower.states.length, failure: follower.failure, rows };
  };

  /** Marks of undelivered rows ride with the next batch. */
  const undelivered = async (entryIds: readonly string[]): Promise<number> => {
    await rooms.ledger.markUndelivered(0, 'flush').catch(() => undefined);
    return entryIds.filter((entryId) => rooms.store.list({ entryId }, { limit: 10 }).rows.some((row) => !row.delivered))
      .length;
  };

  it('WAPI-34, I1: does not leave when its entry is deleted meanwhile', async () => {
    const ids: string[] = [];
    for (let i = 0; i < TRIES; i += 1) {
      const entryId = `deleted-${i}`;
      ids.push(entryId);
      const wish = { entryId, spiffeId: 'spiffe://example.org/a', selectors: ['unix:uid:1000'] };
      await rooms.registry.createEntry(wish, OPERATOR);
      const { sent, failure } = await attempt(entryId, () => rooms.registry.deleteEntry(entryId, OPERATOR));
      expect([sent, failure?.kind]).toEqual([0, 'permission-denied']);
    }
    expect(await undelivered(ids)).toBeGreaterThanOrEqual(REFUSED_AT_LEAST);
  }, 180_000);

  it('WAPI-34, I1: does not leave when its identity is suspended meanwhile', async () => {
    const spiffeId = 'spiffe://example.org/b';
    const ids: string[] = [];
    for (let i = 0; i < TRIES; i += 1) {
      const entryId = `suspended-${i}`;
      ids.push(entryId);
      await rooms.registry.createEntry({ entryId, spiffeId, selectors: ['unix:uid:1000'] }, OPERATOR);
      const { sent, failure } = await attempt(entryId, () =>
        rooms.registry.suspendIdentity(spiffeId, 'a test', OPERATOR),
      );
      expect([sent, failure?.reason]).toEqual([0, 'SUSPENDED']);
      await rooms.registry.resumeIdentity(spiffeId, OPERATOR);
      await rooms.registry.deleteEntry(entryId, OPERATOR);
    }
    expect(await undelivered(ids)).toBeGreaterThanOrEqual(REFUSED_AT_LEAST);
  }, 180_000);

  it('WAPI-34, A2: does not leave when the process that connected is no longer the same, even before anyone was told', async () => {
    const entryId = 'changed';
    await rooms.registry.createEntry(
      { entryId, spiffeId: 'spiffe://example.org/c', selectors: ['unix:uid:1000'] },
      OPERATOR,
    );
    for (let i = 0; i < 50; i += 1) {
      const { sent, failure } = await attempt(entryId, async (process) => {
        process.verdict = { same: false, reason: 'exec' };
      });
      expect([sent, failure?.reason]).toEqual([0, 'CALLER_CHANGED']);
    }
    await rooms.registry.deleteEntry(entryId, OPERATOR);
  }, 60_000);

  it('I3: the message is not handed over before the row is durable', async () => {
    await rooms.registry.createEntry(
      { entryId: 'slow', spiffeId: 'spiffe://example.org/d', selectors: ['unix:uid:1000'] },
      OPERATOR,
    );
    const follower = new TestFollower();
    gate.hold();
    const following = rooms.standings.followX509(new TestProcess(), follower);
    await gate.reached();
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(follower.states).toHaveLength(0);
    expect(rooms.store.list({ entryId: 'slow' }, { limit: 10 }).rows).toHaveLength(0);
    gate.release();
    await follower.until(1);
    expect(follower.states).toHaveLength(1);
    expect(rooms.store.list({ entryId: 'slow' }, { limit: 10 }).rows).toHaveLength(1);
    following.stop();
  });
});
