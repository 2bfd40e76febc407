// SPDX-License-Identifier: Apache-2.0
/** A task that waits for people: what lets it begin, and what ends it. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PolicyDecision, PolicyRequest } from '../../src/policy/contract.ts';
import { OPERATOR, TestProcess } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { ALLOW, BOB, taskWorld } from '../support/task-world.ts';
import { tempDir } from '../support/temp-dir.ts';

const NEED: PolicyDecision = {
  policyHash: 'cc',
  outcome: 'approve',
  need: { count: 1, strength: 2, otherUid: false },
  because: [{ policyId: 'h', reason: 'high impact' }],
};
const ALLOWED: PolicyDecision = { ...ALLOW, policyHash: 'dd' };
/** As a policy is that asks for one touch. */
const asksForOne = ({ context }: PolicyRequest): PolicyDecision =>
  context.approvals.some(({ strength }) => strength >= 2) ? ALLOWED : NEED;

const top = tempDir('tasks-pending');
let count = 0;
let w: Awaited<ReturnType<typeof taskWorld>>;
beforeEach(async () => {
  count += 1;
  w = await taskWorld(`${top}/${count}`);
  await w.entry('agent', 'agent');
  w.decides(asksForOne);
});
afterEach(() => w.close());

const lastOf = ({ listener }: Awaited<ReturnType<typeof w.run>>) => listener.updates.at(-1);

describe('a pending task', () => {
  it('asks people once, and has no socket', async () => {
    const { id, listener } = await w.run(new TestProcess());
    expect(w.opened).toEqual([id]);
    expect(listener.updates).toMatchObject([
      { kind: 'pending', because: ['high impact', 'high impact'], needs: '1 person with a touched key' },
    ]);
    expect([w.scopes.size, w.store.tasks.get(id)?.state]).toEqual([0, 'pending']);
  });

  it('C4: is active once they agreed and policy, asked anew with their approvals, allows it', async () => {
    const task = await w.run(new TestProcess());
    w.approve(task.id);
    expect(await w.settled(() => task.listener.kinds.includes('active'))).toBe(true);
    expect(lastOf(task)).toMatchObject({ kind: 'active', socket: `/task/${task.id}.sock` });
    expect(w.store.tasks.get(task.id)).toMatchObject({ state: 'active', policyHash: 'aa', revision: 2 });
    expect(w.asked.at(-1)?.context.approvals).toEqual([BOB]);
    const kinds = w.store.audit.events({ kind: 'task.' }, { limit: 9 }).rows.map(({ kind }) => kind);
    expect(kinds).toEqual(['task.pending', 'task.active']);
  });

  it('waits on where what was said is not enough, however often it is said', async () => {
    const task = await w.run(new TestProcess());
    const asked = w.asked.length;
    w.approve(task.id, []);
    w.approve(task.id, [{ ...BOB, strength: 1 }]);
    w.approve(task.id, [{ ...BOB, strength: 1 }]);
    expect(await w.settled(() => w.asked.length >= asked + 4)).toBe(true);
    expect(w.store.tasks.get(task.id)?.state).toBe('pending');
    expect(task.listener.kinds).toEqual(['pending']);
  });

  it('begins once, however often it is heard that they agreed', async () => {
    const task = await w.run(new TestProcess());
    for (let at = 0; at < 5; at += 1) w.approve(task.id);
    expect(await w.settled(() => task.listener.kinds.includes('active'))).toBe(true);
    w.approve(task.id);
    await w.settled(() => false);
    expect(task.listener.kinds).toEqual(['pending', 'active']);
    expect(w.scopes.size).toBe(1);
  });

  it('C4: whose process is no longer as people were shown it is over', async () => {
    const task = await w.run(new TestProcess());
    w.finds('found');
    w.approve(task.id);
    expect(await w.settled(() => task.listener.kinds.includes('ended'))).toBe(true);
    expect(w.store.tasks.get(task.id)).toMatchObject({
      state: 'denied',
      end: 'changed',
      endReason: 'its process is not as it was when people were asked',
    });
    expect(w.scopes.size).toBe(0);
  });

  it('C1: of an identity that was suspended meanwhile is over, and no approval helps', async () => {
    const task = await w.run(new TestProcess());
    const identity = w.registry.identity('spiffe://example.org/agent')!;
    await w.registry.suspendIdentity(identity.spiffeId, 'seen in a log', OPERATOR);
    w.approve(task.id);
    expect(await w.settled(() => task.listener.kinds.includes('ended'))).toBe(true);
    expect(w.store.tasks.get(task.id)).toMatchObject({ state: 'denied', end: 'revoked' });
  });

  it('that policy denies by now is over', async () => {
    const task = await w.run(new TestProcess());
    w.decides({ policyHash: 'ee', outcome: 'deny', reasons: [{ policyId: 'p', reason: 'the target was retired' }] });
    w.approve(task.id);
    expect(await w.settled(() => task.listener.kinds.includes('ended'))).toBe(true);
    expect(w.store.tasks.get(task.id)).toMatchObject({ end: 'policy', endReason: expect.stringContaining('retired') });
  });

  it('that somebody rejects is denied, and stays so', async () => {
    const task = await w.run(new TestProcess());
    w.says(task.id, 'rejected');
    expect(await w.settled(() => task.listener.kinds.includes('ended'))).toBe(true);
    expect(w.store.tasks.get(task.id)).toMatchObject({
      state: 'denied',
      end: 'rejected',
      endReason: 'rejected by bob',
    });
    w.approve(task.id);
    await w.settled(() => false);
    expect(w.store.tasks.get(task.id)?.state).toBe('denied');
  });

  it('that nobody answers is denied when its time is over, and never begins by itself', async () => {
    const task = await w.run(new TestProcess());
    await w.clock.advance(899_000);
    expect(w.store.tasks.get(task.id)?.state).toBe('pending');
    await w.clock.advance(1_001);
    expect(await w.settled(() => task.listener.kinds.includes('ended'))).toBe(true);
    expect(w.store.tasks.get(task.id)).toMatchObject({ state: 'denied', end: 'timeout' });
  });

  it('that its own process ends was withdrawn: nothing was done', async () => {
    const leader = new TestProcess();
    const task = await w.run(leader);
    await w.tasks.end(leader, task.id, false, 'done');
    expect(w.store.tasks.get(task.id)).toMatchObject({ state: 'denied', end: 'withdrawn', endReason: 'done' });
  });

  it('whose stream closes is over before anybody answers', async () => {
    const task = await w.run(new TestProcess());
    task.held.closed();
    expect(await w.settled(() => w.end(task.id) !== null)).toBe(true);
    expect(w.store.tasks.get(task.id)).toMatchObject({ state: 'denied', end: 'abandoned' });
  });
});

describe('a task that began with an approval', () => {
  it('C1: ends when it is taken back', async () => {
    const task = await w.run(new TestProcess());
    w.approve(task.id);
    expect(await w.settled(() => task.listener.kinds.includes('active'))).toBe(true);
    w.says(task.id, 'withdrawn');
    expect(await w.settled(() => task.listener.kinds.includes('ended'))).toBe(true);
    expect(w.store.tasks.get(task.id)).toMatchObject({ state: 'ended', end: 'revoked', endReason: 'withdrawn by bob' });
  });

  it('where nobody can be asked is denied', async () => {
    w.cannotAsk();
    const refusal = await refusalOfAsync(() => w.run(new TestProcess()));
    expect(refusal.reason).toBe('NOBODY_TO_ASK');
    expect(w.tasks.size).toBe(0);
    expect(w.store.tasks.list({}, { limit: 9 }).rows).toMatchObject([
      { state: 'denied', endReason: 'nobody could be asked' },
    ]);
  });
});
