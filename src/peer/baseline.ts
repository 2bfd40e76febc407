// SPDX-License-Identifier: Apache-2.0
/**
 * What makes a process the same one as before, beyond its pidfd: who it runs as, the image it was started from, where
 * the kernel laid that image out (attack A5). Taken at connect and compared from then on.
 *
 * Reading it can be made to wait: an exec that hangs in a hostile file server holds the lock that `stat` and `exe` need
 * (Linux 6.18; attack A11). So it is read in helper processes only.
 */
import { NativeError } from './native-error.ts';
import type { ProcFolder } from './proc-look.ts';
import { parseStat, parseStatus } from './proc-text.ts';
import type { EndReason } from './process-handle.ts';
import type { FileIdentity } from './statx.ts';

export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  /** The `Groups:` line, joined. */
  readonly groups: string;
}

export interface Baseline extends Credentials {
  readonly startTime: bigint;
  readonly layout: string;
  /** Undefined where the daemon may not look. */
  readonly exe: FileIdentity | undefined;
  /** The image is gone: the process is exiting. */
  readonly imageGone: boolean;
}

/** Of the text of `status`, which waits for nothing. */
export function credentialsOf(status: string): Credentials {
  const { uid, gid, groups } = parseStatus(status);
  return { uid, gid, groups: groups.join(' ') };
}

export function readBaseline(folder: ProcFolder): Baseline {
  const stat = parseStat(folder.text('stat'));
  const exe = readExe(folder);
  return {
    ...credentialsOf(folder.text('status')),
    startTime: stat.startTime,
    layout: stat.layout,
    exe: exe === 'gone' ? undefined : exe,
    imageGone: exe === 'gone' || stat.layout.startsWith('0 '),
  };
}

function readExe(folder: ProcFolder): FileIdentity | 'gone' | undefined {
  try {
    return folder.identity('exe');
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    // ENOENT: no image any more. EACCES, EPERM: not for this daemon, or a FUSE mount that shuts it out.
    return error.code === 'ENOENT' ? 'gone' : undefined;
  }
}

export function sameCredentials(first: Credentials, now: Credentials): boolean {
  return now.uid === first.uid && now.gid === first.gid && now.groups === first.groups;
}

/** The first thing that differs, in the order that names the cause best. */
export function difference(first: Baseline, now: Baseline): EndReason | undefined {
  if (now.startTime !== first.startTime) return 'exited';
  // guard: A2 test/peer/still-same.test.ts — setuid, setgid, setgroups
  if (!sameCredentials(first, now)) return 'credentials-changed';
  if (now.imageGone) return 'exited';
  if (first.exe !== undefined && now.exe === undefined) return 'unreadable';
  // guard: A5 test/peer/still-same.test.ts — exec of the same file
  if (now.layout !== first.layout) return 'exec';
  // guard: A5 test/peer/still-same.test.ts — exec of another file without address randomisation, or PR_SET_MM_EXE_FILE
  if (now.exe?.device !== first.exe?.device || now.exe?.inode !== first.exe?.inode) return 'executable-changed';
  return undefined;
}
