// SPDX-License-Identifier: Apache-2.0
/**
 * Signals the process that a pid file names, read anew each time. Whoever can write the file chooses who is signalled, with the
 * power of the helper: so a file that is neither root's nor the helper's reaches processes of its own owner alone, one
 * that others can write reaches nobody, and nothing but the number of one process is taken (0 and negative numbers mean
 * many to kill(2)).
 */
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Failure, quote } from '../lib/failure.ts';
import type { SignalAction } from './settings.ts';

const MOST_BYTES = 1024;
const OTHERS_WRITE = 0o022;

export type Kill = (pid: number, signal: NodeJS.Signals) => void;

export async function signalByPidFile(
  { pidFile, signal }: SignalAction,
  ownUid: number,
  kill: Kill = process.kill,
): Promise<void> {
  const { pid, fileUid } = await readPidFile(pidFile);
  if (fileUid !== 0 && fileUid !== ownUid) {
    const owner = await stat(`/proc/${pid}`).then(
      ({ uid }) => uid,
      () => undefined,
    );
    // guard: A4 test/helper/pid-file.test.ts
    if (owner !== fileUid) throw refused(pidFile, `is of uid ${fileUid}, and process ${pid} is not`);
  }
  try {
    kill(pid, signal);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw refused(pidFile, `names process ${pid}, which cannot be signalled (${code})`, error);
  }
}

async function readPidFile(path: string): Promise<{ readonly pid: number; readonly fileUid: number }> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw refused(path, `cannot be read (${error.code ?? 'unknown error'})`, error);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw refused(path, 'is no regular file');
    // guard: A4 test/helper/pid-file.test.ts
    if ((found.mode & OTHERS_WRITE) !== 0) throw refused(path, 'can be written by others');
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    // As postmaster.pid: the first line counts.
    const [line = ''] = buffer.toString('latin1', 0, bytesRead).split('\n', 1);
    // guard: A4 test/helper/pid-file.test.ts — kill(2) takes -1 for everybody
    if (!/^[1-9]\d{0,9}$/.test(line.trim())) throw refused(path, `holds no pid: ${quote(line, 40)}`);
    return { pid: Number(line), fileUid: found.uid };
  } finally {
    await handle.close();
  }
}

function refused(path: string, reason: string, cause?: unknown): Failure {
  return new Failure('failed-precondition', 'HELPER_NOT_SIGNALLED', `nobody was signalled: ${quote(path)} ${reason}`, {
    field: 'pid_file',
    value: quote(path),
    cause,
  });
}
