// SPDX-License-Identifier: Apache-2.0
/** `assay task` against a real daemon, with real policies, run by an agent under a uid of its own. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { AGENT, AGENT_UID, AgentBench } from '../support/agent-bench.ts';
import { Callers, FETCH_SVID, HEADER } from '../support/callers.ts';
import { top } from '../support/daemon.ts';
import { asRoot } from '../support/peers.ts';

/** The command, where the agent may read it. */
const ASSAY = join(top, 'src/main.ts');
const READ = ['--intent', 'crm:read'];
let bench: AgentBench;
beforeAll(async () => {
  bench = await AgentBench.start();
});
afterAll(() => bench?.close());

const exitOf = async ({ child, ended }: ReturnType<AgentBench['task']>): Promise<number | null> => {
  await ended;
  return child.exitCode;
};
const serialOf = (der: Buffer): string => new X509Certificate(der).serialNumber.toLowerCase();
/** One that has ended and that nobody has waited for yet runs no more. */
function isRunning(pid: string): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}
const latest = async () => (await bench.json('task', 'list', '--limit', '1')).tasks[0];
/** As long as it takes: the row is what is waited for. */
async function over(id: string) {
  for (let tries = 0; tries < 200; tries += 1) {
    const { task } = await bench.json('task', 'show', id);
    if (task.end !== null) return task;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`task ${id} does not end`);
}

describe('assay task run', () => {
  asRoot('lends the identity to the program alone, and takes it back when it exits', async () => {
    const { program, call } = bench.follower(READ);
    const { svids } = await call.at(1);
    const task = await latest();
    expect(svids.map(({ spiffe_id }) => spiffe_id)).toEqual([`${AGENT}/task/${task.id}`]);
    expect(task).toMatchObject({
      identity: AGENT,
      state: 'active',
      uid: AGENT_UID,
      purpose: 'ticket 4711',
      intents: ['crm:read'],
      attested: { selectors: expect.arrayContaining([`unix:uid:${AGENT_UID}`]) },
    });
    const serial = serialOf(svids[0]!.x509_svid);
    expect(await bench.json('svid', 'show', serial)).toMatchObject({ svid: { revoked_at: null } });
    program.child.kill('SIGTERM');
    expect(await exitOf(program)).toBe(128 + 15);
    expect(await over(task.id)).toMatchObject({ state: 'ended', end: 'failed', end_reason: 'exit status 143' });
    expect((await bench.json('svid', 'show', serial)).svid.revoked_at).not.toBeNull();
    expect(existsSync(join(bench.daemon.folder, 'task', `${task.id}.sock`))).toBe(false);
  });

  asRoot('outside a task the agent has no identity, and the reason says what to do', async () => {
    const callers = new Callers();
    try {
      const caller = callers.call(bench.daemon.workloadSocket, { method: FETCH_SVID, headers: HEADER, uid: AGENT_UID });
      const { code, message } = await caller.end;
      expect(code).toBe(7);
      expect(message).toContain('task');
    } finally {
      await callers.close();
    }
  });

  asRoot('exits as the program does, and says so in the record', async () => {
    const good = bench.task(READ, ['/bin/sh', '-c', 'echo "$ASSAY_TASK_ID"']);
    const { text } = await good.heard('text');
    expect(await exitOf(good)).toBe(0);
    expect(await over(String(text))).toMatchObject({ state: 'ended', end: 'completed', end_reason: 'exit status 0' });
    const bad = bench.task(READ, ['/bin/sh', '-c', 'echo "$ASSAY_TASK_ID"; exit 42']);
    const { text: failed } = await bad.heard('text');
    expect(await exitOf(bad)).toBe(42);
    expect(await over(String(failed))).toMatchObject({ end: 'failed', end_reason: 'exit status 42' });
  });

  asRoot('C1: what policy does not permit is refused with its reasons, and the program is not started', async () => {
    const denied = bench.task(['--intent', 'crm:write'], ['/bin/echo', 'ran']);
    expect(await exitOf(denied)).toBe(1);
    await expect(denied.heard('text')).rejects.toThrow(/TASK_DENIED|was denied/);
    expect(await latest()).toMatchObject({ state: 'denied', end: 'policy', intents: ['crm:write'] });
  });

  asRoot('A12: a uid that is granted nothing begins nothing', async () => {
    const stranger = bench.task(READ, ['/bin/echo', 'ran'], AGENT_UID + 1);
    expect(await exitOf(stranger)).toBe(1);
    await expect(stranger.heard('text')).rejects.toThrow(/no identity of this process can be lent/);
  });

  asRoot('a program that does not exist begins no task, and ends as a shell would', async () => {
    const before = (await bench.json('task', 'list')).tasks.length;
    expect(await exitOf(bench.task(READ, ['/nowhere/at-all']))).toBe(127);
    expect((await bench.json('task', 'list')).tasks).toHaveLength(before);
  });
});

describe('a task below another', () => {
  const nested = (intent: string, script: string): string[] => {
    const program = `"$0" --no-warnings "$1" task run --parent "$ASSAY_TASK_ID" --purpose part --intent ${intent} -- ${script}`;
    return ['/bin/sh', '-c', `echo "$ASSAY_TASK_ID"; ${program}; echo "status $?"`, process.execPath, ASSAY];
  };

  asRoot('is begun on the socket of that task, and ends with what it runs', async () => {
    const program = bench.task(READ, nested('crm:read=4711', '/bin/sh -c \'echo "$ASSAY_TASK_ID"\''));
    const parent = String((await program.heard('text'))['text']);
    const child = String((await program.heard('text'))['text']);
    expect((await program.heard('text'))['text']).toBe('status 0');
    expect(await over(child)).toMatchObject({ parent, depth: 1, end: 'completed', intents: ['crm:read=4711'] });
  });

  asRoot('C1: may do no more than that one', async () => {
    const program = bench.task(READ, nested('payments:refund', '/bin/echo ran'));
    await program.heard('text');
    expect((await program.heard('text'))['text']).toBe('status 1');
  });
});

describe('a task that ends first', () => {
  asRoot('ends its program and all of its process group, and exits 1', async () => {
    const script = 'trap "" TERM; sleep 600 & echo "$ASSAY_TASK_ID $!"; wait';
    const program = bench.task(READ, ['/bin/sh', '-c', `(${script}) & wait`]);
    const [id = '', pid = ''] = String((await program.heard('text'))['text']).split(' ');
    expect(isRunning(pid)).toBe(true);
    const { ended } = await bench.json('task', 'end', id, '--reason', 'wrong customer');
    expect(ended).toMatchObject([{ id, end: 'revoked', end_reason: 'wrong customer' }]);
    expect(await exitOf(program)).not.toBe(0);
    expect(isRunning(pid)).toBe(false);
  });

  asRoot(
    'I7: by the death of whoever held it takes its credentials back, and ends the streams of what it left',
    async () => {
      const { program, call } = bench.follower(READ);
      const { svids } = await call.at(1);
      const { id } = await latest();
      const serial = serialOf(svids[0]!.x509_svid);
      program.child.kill('SIGKILL');
      expect(await over(id)).toMatchObject({ end: 'abandoned' });
      expect((await bench.json('svid', 'show', serial)).svid.revoked_at).not.toBeNull();
      expect(await call.end).toMatchObject({ code: 7 });
    },
  );

  asRoot('because its identity is suspended says so', async () => {
    const { program, call } = bench.follower(READ);
    await call.at(1);
    const { id } = await latest();
    await bench.good('identity', 'suspend', AGENT, '--reason', 'seen in a log');
    expect(await over(id)).toMatchObject({ end: 'revoked' });
    expect(await exitOf(program)).not.toBe(0);
    await bench.good('identity', 'resume', AGENT);
  });

  asRoot(
    'by its deadline',
    async () => {
      const program = bench.task([...READ, '--ttl', '10s'], ['/bin/sh', '-c', 'echo "$ASSAY_TASK_ID"; exec sleep 600']);
      const { text } = await program.heard('text');
      expect(await exitOf(program)).not.toBe(0);
      expect(await over(String(text))).toMatchObject({ end: 'expired' });
    },
    40_000,
  );
});

describe('assay task', () => {
  asRoot('list, show, end and their refusals', async () => {
    const { out } = await bench.run('task', 'list', '--state', 'ended', '--limit', '1');
    expect(out).toMatch(/^ID +IDENTITY +STATE +SINCE +DEADLINE +UID +INTENTS +PURPOSE\n[0-7][0-9a-z]{25} +spiffe:/);
    const { id } = await latest();
    expect(await bench.good('task', 'show', id)).toMatch(/^intent +crm:read$/m);
    expect(await bench.run('task', 'end', id, '--reason', 'x')).toMatchObject({
      code: 0,
      err: `task ${id} was over already\n`,
    });
    expect(await bench.run('task', 'end', id)).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
    expect(await bench.run('task', 'show', 'none')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no task'),
    });
    expect(await bench.run('task', 'list', '--state', 'odd')).toMatchObject({
      err: expect.stringContaining('--state'),
    });
    expect((await bench.json('task', 'list', '--identity', 'spiffe://example.org/none')).tasks).toEqual([]);
  });

  asRoot('leaves no socket behind', () => {
    expect(readdirSync(join(bench.daemon.folder, 'task'))).toEqual([]);
  });
});
