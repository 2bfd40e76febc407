// SPDX-License-Identifier: Apache-2.0
/** What others are told of who asks for tasks. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { TestProcess } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { AGENT, taskWorld } from '../support/task-world.ts';
import { tempDir } from '../support/temp-dir.ts';

const DENY = { policyHash: 'aa', outcome: 'deny', reasons: [{ policyId: 'p', reason: 'no' }] } as const;
const top = tempDir('task-notices');
let count = 0;
let w: Awaited<ReturnType<typeof taskWorld>>;
beforeEach(async () => {
  count += 1;
  w = await taskWorld(`${top}/${count}`);
  await w.entry('agent', 'agent');
});
afterEach(() => w.close());

it('of a task that begins, once, however many join', async () => {
  const process = new TestProcess();
  const { id } = await w.run(process);
  await w.run(process);
  expect(w.notices).toMatchObject([{ kind: 'decided', task: { id, state: 'active' }, decision: { outcome: 'allow' } }]);
});

it('of a task that was denied, when it is written', async () => {
  w.decides(DENY);
  await refusalOfAsync(() => w.run(new TestProcess()));
  const [row] = w.store.tasks.list({}, { limit: 9 }).rows;
  expect(w.notices).toEqual([{ kind: 'decided', task: row, decision: expect.objectContaining({ outcome: 'deny' }) }]);
});

it('of a member that asks for more than the parent declared, and not of a stranger', async () => {
  const leader = new TestProcess();
  const parent = await w.run(leader);
  const worker = new TestProcess(101);
  const wider = () => w.run(worker, { parent: parent.id, intents: ['crm:write'] });
  expect((await refusalOfAsync(wider)).reason).toBe('PARENT_NOT_HELD');
  expect(w.notices).toHaveLength(1);
  w.parents.set(worker, leader);
  expect((await refusalOfAsync(wider)).reason).toBe('INTENT_NOT_IN_PARENT');
  expect(w.notices.slice(1)).toMatchObject([
    {
      kind: 'not-in-parent',
      identity: AGENT,
      parent: { id: parent.id },
      intents: [{ target: 'crm', action: 'write' }],
      process: { pid: 101, uid: 1000 },
    },
  ]);
});
