// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/lib/clock.ts';
import type { CeilingSubject } from '../../src/peer/ceilings.ts';
import { FileHelpers, type FileHelpersOptions } from '../../src/peer/file-helpers.ts';
import type { FileJob } from '../../src/peer/file-jobs.ts';
import { AT_FDCWD } from '../../src/peer/native.ts';
import { statFacts } from '../../src/peer/statx.ts';

const never = new AbortController().signal;
const sleep = realpathSync('/bin/sleep');
let child: ChildProcess;
let helpers: FileHelpers;

beforeEach(async () => {
  child = spawn(sleep, ['20']);
  await once(child, 'spawn');
});
afterEach(async () => {
  child.kill('SIGKILL');
  await helpers.close();
});

const rules: FileHelpersOptions = {
  clock: systemClock,
  atOnce: 2,
  deadlineMs: 20_000,
  penaltyMs: 0,
  waitingPerOwner: 16,
  waiting: 128,
  warm: 0,
};

function open(some: Partial<FileHelpersOptions> = {}): FileHelpers {
  helpers = new FileHelpers({ ...rules, ...some });
  return helpers;
}
const payer = (owner: number, cgroup?: string): CeilingSubject => ({ owner, cgroup });
const digestJob = (of = sleep): FileJob => ({
  kind: 'sha256',
  pid: child.pid as number,
  file: statFacts(AT_FDCWD, of),
  mostBytes: 1 << 29,
});
const sha256 = createHash('sha256').update(readFileSync(sleep)).digest('hex');

describe('a file helper', () => {
  it('hashes what a process runs', async () => {
    await expect(open().run(payer(1), digestJob(), never)).resolves.toEqual({ kind: 'sha256', sha256 });
  });

  it('A4: hashes nothing else, should the number be another process’s by now', async () => {
    await expect(open().run(payer(1), digestJob(process.execPath), never)).resolves.toEqual({
      kind: 'failed',
      reason: 'the executable changed',
    });
  });

  it('finds what stands at a path, without following links', async () => {
    const identity = (path: string, rootOfPid?: number): Promise<unknown> =>
      helpers.run(payer(1), { kind: 'identity', path, rootOfPid }, never);
    open();
    const { device, inode } = statFacts(AT_FDCWD, sleep);
    expect(await identity(sleep)).toEqual({ kind: 'identity', found: { device, inode } });
    expect(await identity(sleep, child.pid)).toEqual({ kind: 'identity', found: { device, inode } });
    expect(await identity('/no/such/file')).toEqual({ kind: 'identity', found: undefined });
    expect(await identity(`/proc/${child.pid}/root${sleep}`)).toEqual({ kind: 'identity', found: undefined });
    expect(helpers.processes).toBe(1);
  });

  it('says that a process has gone', async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
    await expect(open().run(payer(1), digestJob(), never)).resolves.toEqual({ kind: 'gone' });
  });
});

describe('the file helpers', () => {
  it('A11: give up on a job after the deadline, and kill the helper', async () => {
    open({ deadlineMs: 1 });
    await expect(helpers.run(payer(1), digestJob(), never)).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'CALLER_UNREADABLE',
      message: expect.stringMatching(/within 1 ms/),
    });
    while (helpers.processes > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it('A11: refuse an owner for a while who let a deadline pass, and nobody else', async () => {
    open({ deadlineMs: 1, penaltyMs: 10_000 });
    await expect(helpers.run(payer(1), digestJob(), never)).rejects.toThrow(/within 1 ms/);
    await expect(helpers.run(payer(1), digestJob(), never)).rejects.toThrow(/uid 1 held up a helper a moment ago/);
    await expect(helpers.run(payer(2), digestJob(), never)).rejects.toThrow(/within 1 ms/);
    await expect(helpers.run(payer(1, '/other'), digestJob(), never)).rejects.toThrow(/within 1 ms/);
  });

  it('refuse nobody whose look is late because the machine is busy', async () => {
    open({ deadlineMs: 1, penaltyMs: 10_000, patienceMs: 1_000 });
    const look = (): Promise<unknown> => helpers.run(payer(1), { kind: 'look', pid: child.pid as number }, never);
    await expect(look()).rejects.toMatchObject({ reason: 'CALLER_UNREADABLE' });
    await expect(look()).rejects.toThrow(/within 1 ms/);
  });

  it('A11: answer a caller that has gone at once, kill no helper for it, and serve the next one', async () => {
    open();
    const gone = new AbortController();
    const job = helpers.run(payer(1), digestJob(), gone.signal);
    setTimeout(() => gone.abort(new Error('gone')), 5);
    await expect(job).rejects.toThrow('gone');
    const pid = await helperPid();
    await expect(helpers.run(payer(1), digestJob(), never)).resolves.toMatchObject({ kind: 'sha256' });
    expect(childrenOf(process.pid, 'file-helper')).toEqual([pid]);
  });

  it('A11: read one file of a uid at a time, so that one uid cannot take all helpers', async () => {
    open({ atOnce: 4 });
    await Promise.all([1, 1, 1, 1, 2].map((uid) => helpers.run(payer(uid), digestJob(), never)));
    expect(helpers.processes).toBe(2);
  });

  it('I9: keep no endless queue', async () => {
    open({ atOnce: 1 });
    const jobs = Array.from({ length: 30 }, () => helpers.run(payer(1), digestJob(), never));
    const outcomes = await Promise.allSettled(jobs);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(30 - 1 - 16);
    expect(refused[0]).toMatchObject({ reason: { reason: 'LOOK_QUEUE_FULL' } });
  });

  it('start a new helper when one is lost, also in the middle of a job', async () => {
    open();
    await helpers.run(payer(1), digestJob(), never);
    process.kill(await helperPid(), 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(helpers.run(payer(1), digestJob(), never)).resolves.toMatchObject({ kind: 'sha256' });
    const again = helpers.run(payer(1), digestJob(), never);
    process.kill(await helperPid(), 'SIGKILL');
    await expect(again).resolves.toMatchObject({ kind: 'sha256' });
    const first = await helperPid();
    process.kill(first, 'SIGSTOP');
    const twice = helpers.run(payer(1), digestJob(), never);
    const outcome = expect(twice).rejects.toMatchObject({ reason: 'CALLER_UNREADABLE' });
    process.kill(first, 'SIGKILL');
    process.kill(await helperPid(first), 'SIGKILL');
    await outcome;
    await expect(helpers.run(payer(1), digestJob(), never)).resolves.toMatchObject({ kind: 'sha256' });
  });

  it('are started before they are needed where that is asked for, and replaced', async () => {
    open({ warm: 1 });
    expect(helpers.processes).toBe(1);
    const pid = await helperPid();
    process.kill(pid, 'SIGKILL');
    while (childrenOf(process.pid, 'file-helper').includes(pid))
      await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(helpers.run(payer(1), digestJob(), never)).resolves.toMatchObject({ kind: 'sha256' });
  });

  it('have an environment of nothing', async () => {
    await open().run(payer(1), digestJob(), never);
    const pid = await helperPid();
    const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((entry) => entry.split('=')[0]);
    expect(names.filter((name) => name !== '' && !name?.startsWith('NODE_CHANNEL'))).toEqual([]);
  });
});

/** Once it has become the helper: a moment before, it is a copy of this process. */
async function helperPid(but?: number): Promise<number> {
  for (;;) {
    const pid = childrenOf(process.pid, 'file-helper').find((child) => child !== but);
    if (pid !== undefined) return pid;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function childrenOf(pid: number, program: string): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((child) => child.trim() !== '' && commandOf(child).includes(program))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
