// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FileAnswer, FileReader } from '../../src/peer/file-jobs.ts';
import { type Look, takeLook } from '../../src/peer/look.ts';
import { pidfdOpen } from '../../src/peer/native.ts';
import { OwnedFd } from '../../src/peer/owned-fd.ts';
import { readByNumber } from '../../src/peer/proc-look.ts';
import { type ProcessRooms, TrackedProcess } from '../../src/peer/process.ts';

const never = new AbortController().signal;
let child: ChildProcess;
let pidfd: OwnedFd;
beforeEach(async () => {
  child = spawn('sleep', ['20']);
  await once(child, 'spawn');
  pidfd = new OwnedFd(pidfdOpen(child.pid as number));
});
afterEach(() => {
  child.kill('SIGKILL');
  pidfd.close();
});

const lookNow = (): Look => readByNumber(child.pid as number, takeLook);

/** The process, with a helper that answers as the test likes. */
function tracked(run: FileReader['run']): TrackedProcess {
  const peer = {
    pid: child.pid as number,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    pidfd,
    weak: false,
  };
  const rooms: Partial<ProcessRooms> = {
    looks: { run },
    hear: () => undefined,
    reportsExecs: () => false,
    overflowGid: undefined,
  };
  return new TrackedProcess(peer, 1, rooms as ProcessRooms);
}

describe('the first look', () => {
  it('gives start time, baseline and namespaces', async () => {
    const process = tracked(async () => ({ kind: 'look', look: lookNow() }));
    expect(() => process.startTime).toThrow(/not been looked at/);
    await process.settle(never);
    expect(process.startTime).toBe(lookNow().baseline.startTime);
    expect(process.namespaces).toEqual(lookNow().namespaces);
  });

  it('A4: of a number does not count when the process has exited by the time it is answered', async () => {
    const process = tracked(async () => {
      const look = lookNow();
      child.kill('SIGKILL');
      await once(child, 'exit');
      return { kind: 'look', look };
    });
    await expect(process.settle(never)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
    expect(process.ended).toBe('exited');
  });

  it('A2: with other credentials than at connect is refused', async () => {
    const process = tracked(async () => {
      const look = lookNow();
      return { kind: 'look', look: { ...look, baseline: { ...look.baseline, uid: 4242 } } };
    });
    await expect(process.settle(never)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
    expect(process.ended).toBe('credentials-changed');
  });

  it.each<[string, FileAnswer, string]>([
    ['a process that is gone', { kind: 'gone' }, 'PROCESS_GONE'],
    ['a failure', { kind: 'failed', reason: 'broken' }, 'CALLER_UNREADABLE'],
    ['another question’s answer', { kind: 'sha256', sha256: '' }, 'CALLER_UNREADABLE'],
  ])('is no look: %s', async (_what, answer, reason) => {
    await expect(tracked(async () => answer).settle(never)).rejects.toMatchObject({ reason });
  });
});
