// SPDX-License-Identifier: Apache-2.0
/** The same process that asks for the same again, at whatever moment. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { TestProcess } from '../support/lone.ts';
import { ALLOW, ASKED, TaskListener, taskWorld } from '../support/task-world.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('same-task');
let count = 0;
let w: Awaited<ReturnType<typeof taskWorld>>;
beforeEach(async () => {
  count += 1;
  w = await taskWorld(`${top}/${count}`);
  await w.entry('agent', 'agent');
});
afterEach(() => w.close());

it('I7: as its last stream closes is given another, which the end of the first does not touch', async () => {
  const process = new TestProcess();
  const first = await w.run(process);
  first.held.closed();
  const second = await w.run(process);
  expect(second.id).not.toBe(first.id);
  expect(await w.settled(() => w.end(first.id) === 'abandoned')).toBe(true);
  expect(w.end(second.id)).toBeNull();
  expect((await w.run(process)).id).toBe(second.id);
});

it('I7: while another gives up is not given what that one leaves behind', async () => {
  const process = new TestProcess();
  const aborted = new AbortController();
  const first = w.tasks.run(process, ASKED, new TaskListener(), aborted.signal);
  const second = w.run(process);
  const one = await first;
  aborted.abort();
  one.closed();
  const { id, listener } = await second;
  const shared = id === one.task.id;
  expect(await w.settled(() => w.tasks.size === 1)).toBe(true);
  expect([w.end(id), listener.kinds]).toEqual([null, ['active']]);
  expect(w.end(one.task.id)).toBe(shared ? null : 'abandoned');
});

it('I7: that is aborted as it is begun leaves nothing to the one beside it', async () => {
  const process = new TestProcess();
  const aborted = new AbortController();
  // Once it is attested, and before it is written.
  w.decides(() => {
    aborted.abort();
    return ALLOW;
  });
  const first = w.tasks.run(process, ASKED, new TaskListener(), aborted.signal);
  const second = w.run(process);
  await first.catch(() => undefined);
  const { id, listener } = await second;
  const isOver = () => w.store.tasks.list({ state: 'ended' }, { limit: 9 }).rows.length === 1;
  expect(await w.settled(isOver)).toBe(true);
  expect([w.end(id), listener.kinds]).toEqual([null, ['active']]);
});
