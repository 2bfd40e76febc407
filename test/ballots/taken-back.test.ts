// SPDX-License-Identifier: Apache-2.0
/** Approvals that who signed them takes back, with real signatures on a real store. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AGENT, ballotWorld, pendingTask, WAIT_MS } from '../support/ballot-world.ts';
import { OPERATOR } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('taken-back');
const TASK = '01jdqw3h5v8z9k2m4n6p7r8s9t';
const BACK = { decision: 'withdraw', reason: null } as const;
let count = 0;
let w: Awaited<ReturnType<typeof ballotWorld>>;

beforeEach(async () => {
  count += 1;
  w = await ballotWorld(`${top}/${count}`);
  await w.join('alice', 1_000);
  await w.join('bob', 1_001);
});
afterEach(() => w.close());

const reasonOf = async (run: () => Promise<unknown>): Promise<string> => (await refusalOfAsync(run)).reason;
/** As it is once its people have approved it. */
const begin = (): Promise<void> => {
  const now = w.clock.now();
  const begun = { ...pendingTask(TASK, now), state: 'active', stateSince: now, revision: 2 } as const;
  return w.store.tasks.activate(begun, 1, AGENT, now);
};

describe('an approval that is taken back', () => {
  it('C4: counts no more, is not given again, and leaves the others’ as they are', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.join('carol', 1_002);
    await w.cast('alice', request);
    expect(await w.cast('alice', request, BACK)).toMatchObject({
      ...{ state: 'pending', missing: 2, approvals: [] },
      void: [{ human: 'alice', why: 'they withdrew their approval' }],
    });
    expect(await reasonOf(() => w.cast('alice', request))).toBe('VOTE_EXISTS');
    expect(await w.cast('bob', request)).toMatchObject({ state: 'pending', missing: 1 });
    expect(await w.cast('carol', request)).toMatchObject({ state: 'approved', reason: 'approved by bob, carol' });
  });

  it('I7: ends the task that began by it, with what they said, also when the time to answer is over', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.cast('alice', request);
    await w.cast('bob', request);
    await begin();
    await w.clock.advance(WAIT_MS + 1);
    const told = w.decided.length;
    const after = await w.cast('bob', request, { ...BACK, reason: 'wrong account' });
    expect(after).toMatchObject({ state: 'approved', missing: 1, approvals: [{ human: 'alice' }] });
    expect(w.store.tasks.get(TASK)).toMatchObject({
      ...{ state: 'ended', end: 'revoked', endReason: 'bob took their approval back: wrong account' },
    });
    expect(w.decided).toHaveLength(told);
    expect(await reasonOf(() => w.cast('alice', request, BACK))).toBe('APPROVAL_OVER');
  });

  it('C2: is that of whoever’s key signs, and not of another, whoever hands it in', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.cast('alice', request);
    expect(await reasonOf(() => w.cast('bob', request, BACK))).toBe('VOTE_NOT_FOUND');
    expect(await reasonOf(() => w.cast('bob', request, { ...BACK, human: 'alice' }))).toBe('APPROVAL_KEY_UNKNOWN');
    expect(await reasonOf(() => w.cast('alice', request, BACK, { namespace: 'git' }))).toBe('SSHSIG_INVALID');
    expect(await reasonOf(() => w.cast('alice', { ...request, pid: 9 }, BACK))).toBe('APPROVAL_OTHER_REQUEST');
    expect(w.ballots.state(TASK)).toMatchObject({ missing: 1 });
  });

  it('C2: is nothing of somebody who has left: theirs counts no more already', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.cast('alice', request);
    await w.registry.people.leave('alice', 'left', OPERATOR);
    expect(await reasonOf(() => w.cast('alice', request, BACK))).toBe('VOTE_COUNTS_NOTHING');
    expect(w.ballots.state(TASK)).toMatchObject({ missing: 2, void: [{ human: 'alice', why: 'they have left' }] });
  });

  it('needs neither a strength nor policy’s leave', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.cast('alice', request);
    w.rules.mayDecide = () => false;
    expect(await w.cast('alice', request, BACK)).toMatchObject({ missing: 2 });
  });

  it('is none of a request that was rejected', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.cast('alice', request);
    await w.cast('bob', request, { decision: 'reject' });
    expect(await reasonOf(() => w.cast('alice', request, BACK))).toBe('APPROVAL_OVER');
  });
});
