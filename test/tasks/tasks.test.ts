// SPDX-License-Identifier: Apache-2.0
/** Each row of the life of a task, on a real store. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OPERATOR, TestProcess } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { AGENT, ALLOW, ASKED, TaskListener, taskWorld } from '../support/task-world.ts';
import { tempDir } from '../support/temp-dir.ts';

const DENY = { policyHash: 'aa', outcome: 'deny', reasons: [{ policyId: 'p', reason: 'not on Sundays' }] } as const;
const APPROVE = {
  policyHash: 'cc',
  outcome: 'approve',
  need: { count: 1, strength: 2, otherUid: false },
  because: [{ policyId: 'h', reason: 'high impact' }],
} as const;
const top = tempDir('tasks');
let count = 0;
let w: Awaited<ReturnType<typeof taskWorld>>;
beforeEach(async () => {
  count += 1;
  w = await taskWorld(`${top}/${count}`);
  await w.entry('agent', 'agent');
});
afterEach(() => w.close());

const reason = async (run: () => Promise<unknown>): Promise<string> => (await refusalOfAsync(run)).reason;

describe('requested', () => {
  it('and allowed is active: a record, an event, a socket, and the identity that only a task lends', async () => {
    const { id, listener, held } = await w.run(new TestProcess());
    expect(held.task).toMatchObject({
      identity: AGENT,
      state: 'active',
      policyHash: 'aa',
      purpose: 'ticket 4711',
      depth: 0,
      root: id,
      deadline: w.clock.now() + 1_200_000,
    });
    expect(id).toMatch(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/);
    expect(listener.updates).toEqual([
      { kind: 'active', task: w.store.tasks.get(id), subject: `${AGENT}/task/${id}`, socket: `/task/${id}.sock` },
    ]);
    const [event] = w.store.audit.events({ kind: 'task.' }, { limit: 9 }).rows;
    expect([event?.kind, event?.actor, event?.task]).toEqual(['task.active', AGENT, id]);
  });

  it('asks policy of each target once, with what the caller has proven', async () => {
    await w.run(new TestProcess());
    expect(w.asked.map(({ action, target, context }) => [action, target.name, context.intents])).toEqual([
      ['begin', 'crm', ['read']],
      ['begin', 'payments', ['refund']],
    ]);
    expect(w.asked[0]).toMatchObject({
      principal: { spiffeId: AGENT, kind: 'agent', state: 'active' },
      context: {
        purpose: 'ticket 4711',
        depth: 0,
        deadlineSeconds: 1_200,
        attested: { selectors: ['unix:uid:1000'], claimed: [], secrets: 'none-seen' },
      },
    });
  });

  it('and denied is written down, and nothing else happens', async () => {
    w.decides(DENY);
    const denied = await refusalOfAsync(() => w.run(new TestProcess()));
    expect([denied.kind, denied.reason, denied.message]).toEqual([
      'permission-denied',
      'TASK_DENIED',
      expect.stringContaining('not on Sundays'),
    ]);
    const [row] = w.store.tasks.list({}, { limit: 9 }).rows;
    expect(row).toMatchObject({
      state: 'denied',
      end: 'policy',
      policyHash: 'aa',
      endReason: 'not on Sundays; not on Sundays',
    });
    expect([w.tasks.size, w.scopes.size]).toEqual([0, 0]);
  });

  it('I9: and denied again and again is written down so often and no more', async () => {
    w.decides(DENY);
    const process = new TestProcess();
    for (let at = 0; at < 60; at += 1) expect(await reason(() => w.run(process))).toBe('TASK_DENIED');
    expect(await reason(() => w.run(process))).toBe('LIMIT_REACHED');
    expect(w.store.tasks.list({}, { limit: 99 }).rows).toHaveLength(60);
    await w.clock.advance(60_000);
    expect(await reason(() => w.run(process))).toBe('TASK_DENIED');
  });

  it('I1: by whom nothing can be lent is refused, and between two identities nobody guesses', async () => {
    expect(await reason(() => w.run(new TestProcess(7, 4444)))).toBe('NOTHING_TO_LEND');
    expect(await reason(() => w.run(new TestProcess(), { identity: 'spiffe://example.org/other' }))).toBe(
      'NOTHING_TO_LEND',
    );
    await w.entry('second', 'agent');
    expect(await reason(() => w.run(new TestProcess()))).toBe('IDENTITY_NOT_NAMED');
    expect((await w.run(new TestProcess(), { identity: AGENT })).held.task.identity).toBe(AGENT);
  });

  it('lends a service, too, and prefers what cannot be had without a task', async () => {
    await w.entry('service', 'service');
    expect((await w.run(new TestProcess())).held.task.identity).toBe(AGENT);
    await w.entry('lone', 'service', 2000);
    expect((await w.run(new TestProcess(8, 2000))).held.task.identity).toBe('spiffe://example.org/lone');
  });

  it('B2: by a process of the daemon’s own uid is refused', async () => {
    await w.entry('root', 'agent', 0);
    expect(await reason(() => w.run(new TestProcess(9, 0)))).toBe('GOVERNANCE_SAME_UID');
  });

  it('again by the same process for the same is the same task; its end is when the last stream closes', async () => {
    const process = new TestProcess();
    const [first, second] = await Promise.all([w.run(process), w.run(process)]);
    expect(second.id).toBe(first.id);
    const other = await w.run(new TestProcess(101));
    expect(other.id).not.toBe(first.id);
    expect(second.listener.kinds).toEqual(['active']);
    first.held.closed();
    first.held.closed();
    await w.clock.advance(0);
    expect(w.end(first.id)).toBeNull();
    second.held.closed();
    expect(await w.settled(() => second.listener.kinds.length > 0 && w.tasks.size === 1)).toBe(true);
    expect(w.end(first.id)).toBe('abandoned');
    expect((await w.run(process)).id).not.toBe(first.id);
  });

  it('I9: by one uid, and by all, is bounded, and what is over counts no more', async () => {
    const held = [];
    for (let at = 0; at < 4; at += 1) held.push(await w.run(new TestProcess(200 + at)));
    expect(await reason(() => w.run(new TestProcess(300)))).toBe('LIMIT_REACHED');
    await w.entry('u2', 'agent', 2000);
    for (let at = 0; at < 2; at += 1) await w.run(new TestProcess(400 + at, 2000));
    expect(await reason(() => w.run(new TestProcess(500, 2000)))).toBe('LIMIT_REACHED');
    await w.tasks.revoke(held[0]!.id, 'enough', 'uid:0');
    await w.run(new TestProcess(301));
    const many = await Promise.allSettled(Array.from({ length: 5 }, (_, at) => w.run(new TestProcess(600 + at, 2000))));
    expect(many.filter(({ status }) => status === 'fulfilled')).toHaveLength(0);
  });
});

it('A9: the tasks of all uids of one user’s subuid range count together', async () => {
  await w.entry('u1', 'agent', 100_001);
  await w.entry('u2', 'agent', 100_002);
  for (let at = 0; at < 4; at += 1) await w.run(new TestProcess(200 + at, 100_001));
  expect(await reason(() => w.run(new TestProcess(300, 100_002)))).toBe('LIMIT_REACHED');
  expect(await reason(() => w.run(new TestProcess(301)))).toBe('LIMIT_REACHED');
});

describe('pending', () => {
  beforeEach(() => w.decides(APPROVE));

  it('says what it waits for, and nothing is lent meanwhile', async () => {
    const { id, listener } = await w.run(new TestProcess());
    expect(listener.updates).toEqual([
      {
        kind: 'pending',
        task: w.store.tasks.get(id),
        because: ['high impact', 'high impact'],
        needs: '1 person with a touched key',
      },
    ]);
    expect([w.store.tasks.get(id)?.state, w.scopes.size]).toEqual(['pending', 0]);
  });

  it('never ends as approved by time: it is denied', async () => {
    const { id, listener } = await w.run(new TestProcess());
    await w.clock.advance(899_000);
    expect(w.end(id)).toBeNull();
    await w.clock.advance(2_000);
    expect(await w.settled(() => listener.kinds.includes('ended'))).toBe(true);
    expect(w.end(id)).toBe('timeout');
    expect(w.store.tasks.get(id)?.state).toBe('denied');
    expect(listener.kinds).toEqual(['pending', 'ended']);
  });
});

describe('active', () => {
  it('and ended by its leader is completed or failed, in its words; by nobody else', async () => {
    const process = new TestProcess();
    const first = await w.run(process);
    expect(await reason(() => w.tasks.end(new TestProcess(999), first.id, false, 'x'))).toBe('NOT_IN_TASK');
    await w.tasks.end(process, first.id, false, 'refunded');
    expect(w.store.tasks.get(first.id)).toMatchObject({ state: 'ended', end: 'completed', endReason: 'refunded' });
    expect([first.listener.kinds, w.closed]).toEqual([['active', 'ended'], [first.id]]);
    expect(await reason(() => w.tasks.end(process, first.id, false, 'again'))).toBe('NOT_IN_TASK');
    const second = await w.run(process);
    await w.tasks.end(process, second.id, true, 'no such order');
    expect(w.end(second.id)).toBe('failed');
  });

  it('I7: whose stream closes is abandoned', async () => {
    const { id, held } = await w.run(new TestProcess());
    held.closed();
    expect(await w.settled(() => w.tasks.size === 0)).toBe(true);
    expect(w.end(id)).toBe('abandoned');
    expect([w.closed, w.tasks.size]).toEqual([[id], 0]);
  });

  it('I7: whose stream closes while it is begun is abandoned', async () => {
    const aborted = new AbortController();
    const listener = new TaskListener();
    const running = w.tasks.run(new TestProcess(), ASKED, listener, aborted.signal);
    await new Promise((resolve) => setImmediate(resolve));
    aborted.abort();
    await running.catch(() => undefined);
    expect(await w.settled(() => w.tasks.size === 0 && w.store.tasks.live().length === 0)).toBe(true);
  });

  it('I7: whose process ends is abandoned, whoever holds the stream', async () => {
    const process = new TestProcess();
    const { id } = await w.run(process);
    process.end('exec');
    expect(await w.settled(() => w.end(id) === 'abandoned')).toBe(true);
    expect(w.store.tasks.get(id)?.endReason).toContain('exec');
  });

  it('I5: expires at its deadline, which is no later than the end of its identity', async () => {
    const { id, held } = await w.run(new TestProcess());
    await w.clock.advance(1_199_000);
    expect(w.end(id)).toBeNull();
    await w.clock.advance(2_000);
    expect(await w.settled(() => w.end(id) === 'expired')).toBe(true);
    held.closed();
    await w.registry.life.renew(AGENT, OPERATOR, w.clock.now() + 60_000);
    expect((await w.run(new TestProcess())).held.task.deadline).toBe(w.clock.now() + 60_000);
  });

  it('I7: is revoked with the suspension of its identity, and by an operator', async () => {
    const first = await w.run(new TestProcess());
    await w.tasks.revoke(first.id, 'looks odd', 'uid:0');
    expect(w.store.tasks.get(first.id)).toMatchObject({ end: 'revoked', endReason: 'looks odd' });
    const second = await w.run(new TestProcess());
    await w.registry.suspendIdentity(AGENT, 'incident', OPERATOR);
    expect(w.end(second.id)).toBe('revoked');
    expect(second.listener.kinds).toEqual(['active', 'ended']);
    expect(w.closed).toEqual([first.id, second.id]);
    expect(await reason(() => w.run(new TestProcess()))).toBe('NOTHING_TO_LEND');
  });

  it('of a daemon that is no more is over at the next start', async () => {
    const { id } = await w.run(new TestProcess());
    // As after a kill: nothing was ended.
    const again = w.store.tasks.live().map((task) => task.id);
    expect(again).toEqual([id]);
    await w.tasks.endLeftovers();
    expect(w.store.tasks.get(id)).toMatchObject({ end: 'abandoned', endReason: 'the daemon ended' });
  });

  it('ends when the daemon stops', async () => {
    const { id } = await w.run(new TestProcess());
    const { store } = w;
    await w.tasks.close();
    expect(store.tasks.get(id)?.end).toBe('abandoned');
  });
});

it('without a policy none begins', async () => {
  w.decides(ALLOW);
  expect(await reason(() => w.run(new TestProcess(), { intents: ['none:read'] }))).toBe('TASK_DENIED');
});
