// SPDX-License-Identifier: Apache-2.0
/**
 * A file helper: a process that reads what a workload chose, one job at a time, and that its owner kills when a job
 * takes too long (attack A11). It trusts nothing it is not told by the kernel about the file it has open.
 */
import { createHash } from 'node:crypto';
import { backgroundOf } from './background.ts';
import { fileAtWaiting, IN_ROOT } from './executable-path.ts';
import { hashFile, sameFacts } from './file-hash.ts';
import type { FileAnswer, FileJob } from './file-jobs.ts';
import { digestOfScript, placeOfScript } from './file-script.ts';
import { takeLook } from './look.ts';
import { AT_FDCWD, O_DIRECTORY, O_PATH, openAt } from './native.ts';
import { OwnedFd } from './owned-fd.ts';
import { ProcessGone, readByNumber } from './proc-look.ts';
import { statFacts } from './statx.ts';

process.on('message', (job: FileJob) => process.send?.(answer(job)));
process.on('disconnect', () => process.exit(0));
// Signals to the whole group are the daemon's business: it ends its helpers itself.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

function answer(job: FileJob): FileAnswer {
  try {
    switch (job.kind) {
      case 'look':
        return { kind: 'look', look: readByNumber(job.pid, takeLook) };
      case 'arguments':
        return readArguments(job);
      case 'background':
        return backgroundOf(job);
      case 'identity':
        return identity(job);
      case 'sha256':
        return sha256(job);
      case 'script':
        return placeOfScript(job);
      case 'script-sha256':
        return digestOfScript(job);
    }
  } catch (error) {
    if (error instanceof ProcessGone) return { kind: 'gone' };
    return { kind: 'failed', reason: (error as Error).message };
  }
}

/** As much as `head` holds of a command line. */
const HEAD_BYTES = 16 << 10;

function readArguments({ pid }: Extract<FileJob, { kind: 'arguments' }>): FileAnswer {
  const all = readByNumber(pid, (folder) => Buffer.from(folder.text('cmdline'), 'latin1'));
  const sha256 = createHash('sha256').update(all).digest('hex');
  return { kind: 'arguments', sha256, head: all.subarray(0, HEAD_BYTES), whole: all.length <= HEAD_BYTES };
}

function identity({ path, rootOfPid }: Extract<FileJob, { kind: 'identity' }>): FileAnswer {
  const root =
    rootOfPid === undefined
      ? undefined
      : readByNumber(rootOfPid, (folder) => new OwnedFd(openAt(folder.fd, 'root', O_PATH | O_DIRECTORY)));
  try {
    const found = root === undefined ? fileAtWaiting(AT_FDCWD, path) : fileAtWaiting(root.number, path, IN_ROOT);
    if (found === 'ask')
      return { kind: 'failed', reason: 'this kernel cannot look a path up without following links (openat2)' };
    return { kind: 'identity', found: found === 'nothing' ? undefined : found };
  } finally {
    root?.close();
  }
}

function sha256({ pid, file, mostBytes }: Extract<FileJob, { kind: 'sha256' }>): FileAnswer {
  const place = readByNumber(pid, (folder) => new OwnedFd(openAt(folder.fd, 'exe', O_PATH)));
  try {
    // guard: A4 test/peer/file-helpers.test.ts — the number may be another process's by now; the file decides
    if (!sameFacts(statFacts(place.number, ''), file)) return { kind: 'failed', reason: 'the executable changed' };
    return hashFile(place.number, file, mostBytes);
  } finally {
    place.close();
  }
}
