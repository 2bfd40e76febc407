// SPDX-License-Identifier: Apache-2.0
/**
 * In a helper process: the file that another process calls by a name of its choice, from where it stands and below its own
 * root. No link at its end, no magic link on the way, and nothing but a regular file.
 */
import { hashFile, sameFacts } from './file-hash.ts';
import type { FileAnswer, FileJob } from './file-jobs.ts';
import {
  AT_FDCWD,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  openAt,
  openAt2,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  readLinkAt,
} from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';
import { readByNumber } from './proc-look.ts';
import { shortMountId, statFacts } from './statx.ts';

export function placeOfScript({ pid, argument, waiting }: Extract<FileJob, { kind: 'script' }>): FileAnswer {
  const file = openScript(pid, argument, waiting ? 0 : RESOLVE_CACHED);
  if (!(file instanceof OwnedFd)) return file;
  try {
    const facts = statFacts(file.number, '');
    // guard: A11 test/peer/script.test.ts
    if (!facts.regular) return { kind: 'unreadable', reason: 'the script is no regular file' };
    const link = readLinkAt(AT_FDCWD, `/proc/self/fd/${file.number}`, Buffer.alloc(4_096 + 64));
    return { kind: 'script', file: facts, link, shortMountId: shortMountId(file.number, '') };
  } finally {
    file.close();
  }
}

export function digestOfScript(job: Extract<FileJob, { kind: 'script-sha256' }>): FileAnswer {
  const file = openScript(job.pid, job.argument, 0);
  if (!(file instanceof OwnedFd)) return file;
  try {
    // guard: A4 test/peer/script.test.ts — the number may be another process's by now; the file decides
    if (!sameFacts(statFacts(file.number, ''), job.file)) return { kind: 'failed', reason: 'the script changed' };
    return hashFile(file.number, job.file, job.mostBytes, 'script');
  } finally {
    file.close();
  }
}

function openScript(pid: number, argument: string, resolve: number): OwnedFd | FileAnswer {
  const [start, more] = argument.startsWith('/') ? (['root', RESOLVE_IN_ROOT] as const) : (['cwd', 0] as const);
  try {
    const folder = readByNumber(pid, ({ fd }) => new OwnedFd(openAt(fd, start, O_PATH | O_DIRECTORY)));
    try {
      const how = RESOLVE_NO_MAGICLINKS | more | resolve;
      // A link at the end is opened itself, and is no regular file.
      return new OwnedFd(openAt2(folder.number, argument, O_PATH | O_NOFOLLOW, how));
    } finally {
      folder.close();
    }
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    if (['EACCES', 'EPERM'].includes(error.code) && error.call === 'openat')
      return { kind: 'unreadable', reason: 'this daemon may not look at the caller’s folders' };
    // EINVAL, ENOSYS: a kernel that knows no openat2, or no answer from memory.
    if (resolve !== 0 && ['EAGAIN', 'EINVAL', 'ENOSYS', 'EPERM'].includes(error.code)) return { kind: 'ask' };
    return { kind: 'unreadable', reason: `the script that it names cannot be found (${error.code})` };
  }
}
