// SPDX-License-Identifier: Apache-2.0
/** Reading /proc/PID/cgroup on the main loop, proven under a pidfd. */
import { Failure } from '../lib/failure.ts';
import { pidfdOpen } from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';
import { lookAt, ProcessGone, type SafeFolder } from './proc-look.ts';
import { parseCgroups } from './proc-text.ts';
import type { CgroupMembership } from './process-handle.ts';

/** Of a process that an authority named by number; undefined when it is gone. */
export function cgroupsOf(pid: number): readonly CgroupMembership[] | undefined {
  let pidfd: OwnedFd | undefined;
  try {
    pidfd = new OwnedFd(pidfdOpen(pid));
    return lookAt(pidfd, pid, readCgroups);
  } catch (error) {
    if (error instanceof ProcessGone || (error instanceof NativeError && error.call === 'pidfd_open')) return undefined;
    throw error;
  } finally {
    pidfd?.close();
  }
}

export function readCgroups(folder: SafeFolder): CgroupMembership[] {
  return cgroupsIn(cgroupText(folder));
}

/** As the kernel printed it, each byte a character; `cgroupsIn` decodes it. */
export function cgroupText(folder: SafeFolder): string {
  try {
    return folder.text('cgroup');
  } catch (cause) {
    throw cause instanceof NativeError ? cause : cgroupUnreadable(cause);
  }
}

export function cgroupsIn(text: string): CgroupMembership[] {
  try {
    return parseCgroups(Buffer.from(text, 'latin1'));
  } catch (cause) {
    throw cgroupUnreadable(cause);
  }
}

function cgroupUnreadable(cause: unknown): Failure {
  return new Failure(
    'unavailable',
    'CGROUP_UNREADABLE',
    `the caller’s cgroup cannot be read: ${(cause as Error).message}`,
    { hint: 'rename the cgroup', cause },
  );
}
