// SPDX-License-Identifier: Apache-2.0
/** A high-impact task from its request to its end: people asked, by real signatures, on a real daemon with real policies. */
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { AGENT, AGENT_UID, AgentBench } from '../support/agent-bench.ts';
import { assayHere } from '../support/cli.ts';
import { asRoot } from '../support/peers.ts';

const REFUND = ['--intent', 'payments:refund=order 7'];
let bench: AgentBench;
beforeAll(async () => {
  bench = await AgentBench.start(['tasks: { pending_timeout: 12s }']);
  await bench.human('alice', AGENT_UID + 100);
  await bench.human('mallory', AGENT_UID + 101);
  await bench.good('identity', 'renew', AGENT, '--owner', 'human:alice');
}, 60_000);
afterAll(() => bench?.close());

/** One that waits, once it is asked. */
async function waiting(): Promise<{ readonly id: string; readonly program: ReturnType<AgentBench['task']> }> {
  const program = bench.task(REFUND, ['/bin/sh', '-c', 'echo "ran $ASSAY_TASK_ID"']);
  return { id: await asked(), program };
}
async function asked(): Promise<string> {
  for (let tries = 0; tries < 200; tries += 1) {
    const [one] = (await bench.json('approvals')).approvals;
    if (one !== undefined) return one.id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nobody is asked');
}
const exitOf = async ({ child, ended }: ReturnType<AgentBench['task']>): Promise<number | null> => {
  await ended;
  return child.exitCode;
};
const taskOf = async (id: string) => (await bench.json('task', 'show', id)).task;

describe('a task of high impact', () => {
  asRoot('waits, is shown as it is, and begins when its owner has signed for it', async () => {
    const { id, program } = await waiting();
    expect(await taskOf(id)).toMatchObject({ state: 'pending', intents: ['payments:refund=order 7'] });
    const shown = await bench.good('approvals', 'show', id);
    expect(shown).toContain('payments:refund=order 7');
    expect(shown).toContain('ticket 4711');
    expect(await bench.decide('approve', id, 'alice')).toMatchObject({ code: 0 });
    expect((await program.heard('text'))['text']).toBe(`ran ${id}`);
    expect(await exitOf(program)).toBe(0);
    expect(await taskOf(id)).toMatchObject({ state: 'ended', end: 'completed' });
    const { approval } = await bench.json('approvals', 'show', id);
    expect(approval).toMatchObject({ state: 'approved', votes: [{ human: 'alice', strength: 1 }] });
    const { out } = await assayHere(['audit', 'verify', '--config', bench.daemon.configFile]);
    expect(out).toContain('all is as it was written');
  });

  asRoot(
    'I7: ends with all that it was given when its owner takes the approval back, and its evidence says so',
    async () => {
      const program = bench.task(REFUND, ['/bin/sh', '-c', 'echo "ran"; exec sleep 60']);
      const id = await asked();
      await bench.decide('approve', id, 'alice');
      await program.heard('text');
      const other = await bench.takeBack(id, 'mallory');
      expect([other.code, other.err]).toEqual([1, expect.stringContaining('"mallory" has not approved')]);
      expect((await taskOf(id)).state).toBe('active');
      const back = await bench.takeBack(id, 'alice', '--reason', 'wrong order');
      expect([back.code, back.err]).toEqual([0, expect.stringMatching(/decision +"withdraw"/)]);
      expect(back.out).toMatch(/withdraw +alice with strength 1/);
      expect(await taskOf(id)).toMatchObject({
        ...{ state: 'ended', end: 'revoked', end_reason: 'alice took their approval back: wrong order' },
      });
      await program.ended;
      expect((await bench.takeBack(id, 'alice')).code).toBe(1);
      const file = `${bench.daemon.folder}/taken-back.json`;
      await bench.good('evidence', id, '--out', file);
      const { code, out } = await assayHere(['evidence', 'verify', file]);
      expect([code, out]).toEqual([0, expect.stringContaining('withdraw by alice')]);
      const { out: log } = await assayHere(['audit', 'verify', '--config', bench.daemon.configFile]);
      expect(log).toContain('all is as it was written');
    },
    40_000,
  );

  asRoot('C1: does not begin by the word of somebody who does not answer for it', async () => {
    const { id, program } = await waiting();
    const refused = await bench.decide('approve', id, 'mallory');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('policy does not let');
    expect((await taskOf(id)).state).toBe('pending');
    expect(await bench.decide('reject', id, 'alice', '--reason', 'not this order')).toMatchObject({ code: 0 });
    expect(await exitOf(program)).toBe(1);
    expect(await taskOf(id)).toMatchObject({ state: 'denied', end: 'rejected' });
  });

  asRoot(
    'is denied when nobody answers in time',
    async () => {
      const { id, program } = await waiting();
      expect(await exitOf(program)).toBe(1);
      expect(await taskOf(id)).toMatchObject({ state: 'denied', end: 'timeout' });
      expect((await bench.decide('approve', id, 'alice')).code).toBe(1);
    },
    40_000,
  );

  asRoot('whose agent went away is asked no more', async () => {
    const { id, program } = await waiting();
    program.child.kill('SIGKILL');
    await program.ended;
    for (let tries = 0; (await taskOf(id)).end === null && tries < 100; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await taskOf(id)).toMatchObject({ state: 'denied', end: 'abandoned' });
    expect((await bench.json('approvals')).approvals).toEqual([]);
    expect((await bench.decide('approve', id, 'alice')).err).toContain('is not asked any more');
  });
});

describe('C2: a human who works under the agent’s uid', () => {
  asRoot('cannot let it begin with a key that the agent could use', async () => {
    await bench.good('human', 'update', 'alice', '--uid', String(AGENT_UID));
    const { id, program } = await waiting();
    expect(await taskOf(id)).toMatchObject({ state: 'pending' });
    const refused = await bench.decide('approve', id, 'alice');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/strength/);
    program.child.kill('SIGKILL');
    await bench.good('human', 'update', 'alice', '--uid', String(AGENT_UID + 100));
  });
});
