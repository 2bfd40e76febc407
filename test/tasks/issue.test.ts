// SPDX-License-Identifier: Apache-2.0
/** What is issued in a task is decided on each time anew. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PolicyDecision } from '../../src/policy/contract.ts';
import { TestProcess } from '../support/lone.ts';
import { refusalOf } from '../support/refusal.ts';
import { AGENT, ALLOW, taskWorld } from '../support/task-world.ts';
import { tempDir } from '../support/temp-dir.ts';

const DENY: PolicyDecision = {
  policyHash: 'ee',
  outcome: 'deny',
  reasons: [{ policyId: 'p', reason: 'not any more' }],
};
const SELECTORS = new Map([
  ['unix:uid:1000', 'kernel'],
  ['unix:path:/agent', 'claimed'],
] as const);

const top = tempDir('tasks-issue');
let count = 0;
let w: Awaited<ReturnType<typeof taskWorld>>;
beforeEach(async () => {
  count += 1;
  w = await taskWorld(`${top}/${count}`);
  await w.entry('agent', 'agent');
});
afterEach(() => w.close());

describe('an issue within a task', () => {
  it('asks policy of each target, with the task, what it declared, and who asks', async () => {
    const { id } = await w.run(new TestProcess());
    const scope = w.scopes.get(id)!;
    await w.clock.advance(60_000);
    w.asked.length = 0;
    expect(scope.lease(SELECTORS)).toMatchObject({ subject: `${AGENT}/task/${id}` });
    expect(w.asked).toMatchObject([
      {
        action: 'issue',
        target: { name: 'crm' },
        context: {
          deadlineSeconds: 1_140,
          intents: ['read'],
          attested: { selectors: ['unix:uid:1000'], claimed: ['unix:path:/agent'], secrets: 'none-seen' },
          task: { id, identity: AGENT, state: 'active', intents: ['read'] },
        },
      },
      { action: 'issue', target: { name: 'payments' }, context: { intents: ['refund'] } },
    ]);
  });

  it('C1: that policy denies is refused with its reasons, and comes back when policy does', async () => {
    const { id } = await w.run(new TestProcess());
    const scope = w.scopes.get(id)!;
    w.decides(DENY);
    const refusal = refusalOf(() => scope.lease(SELECTORS));
    expect([refusal.kind, refusal.reason]).toEqual(['permission-denied', 'TASK_ISSUE_DENIED']);
    expect(refusal.message).toContain('not any more');
    w.decides(ALLOW);
    expect(scope.lease(SELECTORS)).toBeDefined();
  });

  it('C1: that would need people who were not asked is refused', async () => {
    const { id } = await w.run(new TestProcess());
    w.decides({
      policyHash: 'cc',
      outcome: 'approve',
      need: { count: 1, strength: 1, otherUid: true },
      because: [{ policyId: 'h', reason: 'high impact by now' }],
    });
    expect(refusalOf(() => w.scopes.get(id)!.lease(SELECTORS)).message).toContain('high impact by now');
  });

  it('C1: rests on those who approve it now: whoever left since has approved nothing', async () => {
    const need: PolicyDecision = {
      policyHash: 'cc',
      outcome: 'approve',
      need: { count: 1, strength: 2, otherUid: false },
      because: [{ policyId: 'h', reason: 'high impact' }],
    };
    w.decides(({ context }) => (context.approvals.length > 0 ? ALLOW : need));
    const task = await w.run(new TestProcess());
    w.approve(task.id);
    expect(await w.settled(() => task.listener.kinds.includes('active'))).toBe(true);
    const scope = w.scopes.get(task.id)!;
    expect(scope.lease(SELECTORS)).toBeDefined();
    w.approve(task.id, []);
    expect(refusalOf(() => scope.lease(SELECTORS)).reason).toBe('TASK_ISSUE_DENIED');
  });
});
