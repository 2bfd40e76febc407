// SPDX-License-Identifier: Apache-2.0
/** A pid file gives nobody the power of the helper over processes of others. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { signalByPidFile } from '../../src/helper/pid-file.ts';

const uid = process.getuid!();
const asRoot = uid === 0 ? it : it.skip;
let folder: string;
let file: string;
let child: ChildProcess;
let ended: Promise<NodeJS.Signals | null>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-pid-'));
  file = join(folder, 'pid');
  child = spawn('sleep', ['100'], { stdio: 'ignore' });
  ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
});

afterEach(async () => {
  child.kill('SIGKILL');
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

const tell = (): Promise<void> => signalByPidFile({ pidFile: file, signal: 'SIGHUP' }, uid);

describe('a pid file', () => {
  it.each(['%', ' %\n', '%\nmore\n'])('written as %j reaches the process', async (form) => {
    writeFileSync(file, form.replace('%', `${child.pid}`));
    await tell();
    expect(await ended).toBe('SIGHUP');
  });

  it.each(['0', '-1', '-%', '', '\n%', '1e3', '0x10', '% %', '99999999999'])(
    'A4: holding %j reaches nobody',
    async (form) => {
      writeFileSync(file, form.replace(/%/g, `${child.pid}`));
      // Never the real one: without the check, kill(-1) would reach everybody.
      const killed: number[] = [];
      const kill = (pid: number): void => void killed.push(pid);
      const told = signalByPidFile({ pidFile: file, signal: 'SIGHUP' }, uid, kill);
      await expect(told).rejects.toThrow('holds no pid');
      expect(killed).toEqual([]);
    },
  );

  it('of a process that has gone is an error', async () => {
    writeFileSync(file, '4194303');
    await expect(tell()).rejects.toThrow('cannot be signalled (ESRCH)');
  });

  it.each([0o666, 0o664])('A4: that others can write, mode %o, reaches nobody', async (mode) => {
    writeFileSync(file, `${child.pid}`);
    chmodSync(file, mode);
    await expect(tell()).rejects.toThrow('can be written by others');
  });

  asRoot('A4: of another user reaches processes of that user alone', async () => {
    writeFileSync(file, `${child.pid}`);
    chownSync(file, 4711, 4711);
    await expect(tell()).rejects.toThrow(`is of uid 4711, and process ${child.pid} is not`);
    const theirs = spawn('sleep', ['100'], { stdio: 'ignore', uid: 4711, gid: 4711 });
    const gone = new Promise((resolve) => theirs.once('exit', (_code, signal) => resolve(signal)));
    writeFileSync(file, `${theirs.pid}`);
    await tell();
    expect(await gone).toBe('SIGHUP');
  });

  it('that is none is an error, and a FIFO in its place is not waited for', async () => {
    await expect(tell()).rejects.toThrow('cannot be read (ENOENT)');
    file = folder;
    await expect(tell()).rejects.toThrow(/is no regular file|EISDIR/);
    spawn('mkfifo', [join(folder, 'fifo')]).once('exit', () => undefined);
    file = join(folder, 'fifo');
    await expect(tell()).rejects.toThrow(/no regular file|ENOENT/);
  });
});
