// SPDX-License-Identifier: Apache-2.0
/** What introspection says of a token that was given in a task. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Introspection } from '../../src/introspection/introspection.ts';
import { jwtKeysFor } from '../../src/issuance/jwt-keys.ts';
import { TD, TestProcess } from '../support/lone.ts';
import { AGENT, taskWorld } from '../support/task-world.ts';
import { tempDir } from '../support/temp-dir.ts';

const dataDir = tempDir('task-token');
let w: Awaited<ReturnType<typeof taskWorld>>;
let introspection: Introspection;
beforeAll(async () => {
  w = await taskWorld(dataDir);
  await w.entry('agent', 'agent');
  introspection = new Introspection({
    trustDomain: TD,
    keysOf: (domain) => jwtKeysFor(w, w.rooms.jwt!, new Set(), domain),
    issuances: w.store,
    revocations: w.store.revocations,
    clock: w.clock,
  });
});
afterAll(() => w.close());

async function given(): Promise<{ readonly id: string; readonly token: string }> {
  const leader = new TestProcess();
  const { id } = await w.run(leader);
  const desk = w.standings.within(w.scopes.get(id)!).jwt!.caller(leader);
  let token = '';
  await desk.fetch({ audiences: ['billing'], spiffeId: '' }, AbortSignal.timeout(5_000), (svids) => {
    token = svids[0]!.token;
  });
  desk.close();
  return { id, token };
}

it('I7: is active with its task and identity, and is not once that has ended', async () => {
  const { id, token } = await given();
  expect(introspection.introspect(token)).toMatchObject({
    active: true,
    sub: `${AGENT}/task/${id}`,
    client_id: AGENT,
    txn: id,
    scope: 'crm:read payments:refund',
  });
  await w.tasks.revoke(id, 'looks odd', 'uid:0');
  expect(introspection.introspect(token)).toEqual({ active: false });
});

it('B8: is taken back by whoever was given it, and not by its identity outside of the task', async () => {
  const { id, token } = await given();
  expect(await introspection.revoke(token, AGENT)).toBe('refused');
  expect(introspection.introspect(token)).toMatchObject({ active: true });
  expect(await introspection.revoke(token, `${AGENT}/task/${id}`)).toBe('done');
  expect(introspection.introspect(token)).toEqual({ active: false });
});
