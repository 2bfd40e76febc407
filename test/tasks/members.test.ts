// SPDX-License-Identifier: Apache-2.0
/** Who belongs to a task: children, and those who use its socket. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../support/fake-clock.ts';
import { TestProcess } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { AGENT, taskWorld } from '../support/task-world.ts';
import { tempDir } from '../support/temp-dir.ts';

const SELECTORS = new Map([['unix:uid:1000', 'kernel']] as const);
const top = tempDir('task-members');
let count = 0;
let w: Awaited<ReturnType<typeof taskWorld>>;
beforeEach(async () => {
  count += 1;
  w = await taskWorld(`${top}/${count}`);
  await w.entry('agent', 'agent');
});
afterEach(() => w.close());

const reason = async (run: () => Promise<unknown>): Promise<string> => (await refusalOfAsync(run)).reason;

describe('a child', () => {
  it('C1: does no more than its parent, no longer, and ends with it', async () => {
    const leader = new TestProcess();
    const parent = await w.run(leader);
    const worker = new TestProcess(101);
    w.parents.set(worker, leader);
    const wider = () => w.run(worker, { parent: parent.id, intents: ['crm:write'] });
    expect(await reason(wider)).toBe('INTENT_NOT_IN_PARENT');
    expect(await reason(() => w.run(worker, { parent: parent.id, intents: ['payments:refund'] }))).toBe(
      'INTENT_NOT_IN_PARENT',
    );
    const child = await w.run(worker, { parent: parent.id, intents: ['crm:read=contact 5'], ttlMs: 3_600_000 });
    expect(child.held.task).toMatchObject({
      parent: parent.id,
      root: parent.id,
      depth: 1,
      deadline: parent.held.task.deadline,
    });
    parent.held.closed();
    expect(await w.settled(() => child.listener.kinds.includes('ended'))).toBe(true);
    expect(w.end(child.id)).toBe('parent');
    expect(child.listener.kinds).toEqual(['active', 'ended']);
  });

  it('A12: is begun by whoever belongs to the parent, and while that is active', async () => {
    const parent = await w.run(new TestProcess());
    const stranger = new TestProcess(101);
    expect(await reason(() => w.run(stranger, { parent: parent.id, intents: ['crm:read'] }))).toBe('PARENT_NOT_HELD');
    expect(await reason(() => w.run(stranger, { parent: 'none', intents: ['crm:read'] }))).toBe('PARENT_NOT_HELD');
  });

  it('I9: is so deep and no deeper', async () => {
    const process = new TestProcess();
    let id = '';
    for (let depth = 0; depth < 4; depth += 1) id = (await w.run(process, { parent: id, intents: ['crm:read'] })).id;
    expect(w.store.tasks.get(id)?.depth).toBe(3);
    const deeper = () => w.run(process, { parent: id, intents: ['crm:read'] });
    expect(await reason(deeper)).toBe('TASK_TOO_DEEP');
  });
});

describe('a socket of a task', () => {
  it('A12: is for its members, while it is active', async () => {
    const leader = new TestProcess();
    const { id } = await w.run(leader);
    const scope = w.scopes.get(id)!;
    const child = new TestProcess(101);
    w.parents.set(child, leader);
    const { signal } = new AbortController();
    await scope.requireMember(leader, signal);
    await scope.requireMember(child, signal);
    expect(await reason(() => scope.requireMember(new TestProcess(102), signal))).toBe('NOT_IN_TASK');
    expect(scope.lease(SELECTORS)).toMatchObject({ identity: AGENT, subject: `${AGENT}/task/${id}` });
    await w.tasks.revoke(id, 'x', 'uid:0');
    expect(scope.lease(SELECTORS)).toBeUndefined();
  });

  it('that cannot be opened ends its task', async () => {
    const broken = await taskWorld(`${top}/broken`, {}, new FakeClock());
    await broken.entry('agent', 'agent');
    Object.assign(broken.scopes, {
      set: () => {
        throw new Error('no room');
      },
    });
    await expect(broken.run(new TestProcess())).rejects.toThrow('no room');
    expect(broken.store.tasks.live()).toEqual([]);
    await broken.close();
  });
});
