// SPDX-License-Identifier: Apache-2.0
/**
 * Who connected: the one function that sees a raw socket descriptor. It is called in the accept callback and never
 * awaits, because a number read later may be another caller's socket (attack A3).
 */
import { Failure } from '../lib/failure.ts';
import { AT_FDCWD, duplicateFd, pidfdOpen, SO_PEERCRED, SO_PEERPIDFD, socketOption } from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';
import { lookAt, ProcessGone, pidOf, readText } from './proc-look.ts';
import { parseStat, parseStatus } from './proc-text.ts';

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Owned by the receiver. */
  readonly pidfd: OwnedFd;
  /** The kernel gave no pidfd for the peer; it was opened by number. */
  readonly weak: boolean;
}

/** Decided once at start: `kernel` (SO_PEERPIDFD, Linux 6.5) or `by-number`. Never changed by a later error (attack A4). */
export type PidfdSource = 'kernel' | 'by-number';

/** Ids that stand for "not mapped here"; undefined when every id is mapped (attack A9). */
export interface OverflowIds {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

const credentials = Buffer.alloc(12);
const descriptor = Buffer.alloc(4);

export function readPeer(socketFd: number, source: PidfdSource, overflow: OverflowIds): PeerCredentials {
  const length = asking(() => socketOption(socketFd, SO_PEERCRED, credentials));
  if (length !== credentials.length) throw gone('the kernel gave no peer credentials');
  const pid = credentials.readInt32LE(0);
  const uid = credentials.readUInt32LE(4);
  const gid = credentials.readUInt32LE(8);
  // guard: A4 test/peer/outside-namespace.test.ts
  if (pid <= 0) throw outside(uid);
  // guard: A9 test/peer/overflow-ids.test.ts
  if (uid === overflow.uid || gid === overflow.gid) throw unmapped(pid, uid, gid);
  const pidfd = source === 'kernel' ? peerPidfd(socketFd) : openPidfdByNumber(pid);
  return { pid, uid, gid, pidfd, weak: source === 'by-number' };
}

/** A process that an operator named by its number. Never a peer. Throws Failure `PROCESS_NOT_FOUND`. */
export function readNumbered(pid: number, source: PidfdSource): PeerCredentials {
  let pidfd: OwnedFd | undefined;
  try {
    pidfd = new OwnedFd(pidfdOpen(pid));
    const { uid, gid } = lookAt(pidfd, pid, (folder) => parseStatus(folder.text('status')));
    return { pid, uid, gid, pidfd, weak: source === 'by-number' };
  } catch (error) {
    pidfd?.close();
    if (!(error instanceof NativeError || error instanceof ProcessGone)) throw error;
    throw new Failure('not-found', 'PROCESS_NOT_FOUND', `there is no process ${pid} in the daemon's pid namespace`, {
      field: 'pid',
      value: String(pid),
      hint: 'give the pid that "ps" prints where the daemon runs',
      cause: error,
    });
  }
}

/**
 * Of a process known by its pidfd, which stays its owner's: who it runs as now. The answer has a descriptor of its own.
 * Throws ProcessGone when it has exited.
 */
export function readKnown(pidfd: OwnedFd, pid: number, weak: boolean, overflow: OverflowIds): PeerCredentials {
  const { uid, gid } = lookAt(pidfd, pid, (folder) => parseStatus(folder.text('status')));
  // guard: A9 test/peer/launch-table.test.ts
  if (uid === overflow.uid || gid === overflow.gid) throw unmapped(pid, uid, gid);
  return { pid, uid, gid, pidfd: new OwnedFd(duplicateFd(pidfd.number)), weak };
}

function peerPidfd(socketFd: number): OwnedFd {
  asking(() => socketOption(socketFd, SO_PEERPIDFD, descriptor));
  return new OwnedFd(descriptor.readInt32LE(0));
}

/**
 * Below Linux 6.5. The start time read before and after is the same, so the number was not given to a process that
 * started in between; that it is the peer at all stays unproven, hence `weak`.
 */
export function openPidfdByNumber(pid: number, open: (pid: number) => number = pidfdOpen): OwnedFd {
  const before = startTime(pid);
  const pidfd = asking(() => new OwnedFd(open(pid)));
  try {
    // guard: A4 test/peer/weak.test.ts
    if (pidOf(pidfd) !== pid || startTime(pid) !== before) throw gone('the pid was given to another process');
    return pidfd;
  } catch (error) {
    pidfd.close();
    throw error;
  }
}

function startTime(pid: number): bigint {
  return asking(() => parseStat(readText(AT_FDCWD, `/proc/${pid}/stat`)).startTime);
}

/** Any refusal of the kernel refuses the connection: ESRCH, EINVAL and ENODATA too. There is no second way to ask. */
function asking<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof NativeError) throw gone(`the kernel does not name the peer (${error.message})`, error);
    throw error;
  }
}

function gone(why: string, cause?: unknown): Failure {
  return new Failure('unavailable', 'PEER_UNKNOWN', `connection refused: ${why}`, {
    hint: 'connect again from a process that stays alive',
    ...(cause === undefined ? {} : { cause }),
  });
}

function outside(uid: number): Failure {
  return new Failure(
    'permission-denied',
    'PEER_OUTSIDE_PID_NAMESPACE',
    'connection refused: the caller is outside the pid namespace of the daemon (pid 0), so it cannot be looked at',
    { field: 'pid', value: '0', hint: `run the daemon in a pid namespace that holds its callers (uid ${uid} called)` },
  );
}

function unmapped(pid: number, uid: number, gid: number): Failure {
  return new Failure(
    'permission-denied',
    'PEER_UNMAPPED',
    `connection refused: the daemon runs in a user namespace that does not map uid ${uid} or gid ${gid}, so callers cannot be told apart`,
    {
      field: 'uid',
      value: String(uid),
      hint: `run the daemon in the user namespace of its callers (pid ${pid} called)`,
    },
  );
}
