// SPDX-License-Identifier: Apache-2.0
/**
 * Puts a listening socket at a path. A file left by a dead daemon is replaced only if nothing listens behind it. Owner,
 * group and mode are set between bind and listen, when nobody can connect yet, so no umask makes a moment looser.
 */
import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { Failure, quote } from '../lib/failure.ts';
import { AF_UNIX, bindSocket, openSocket, SOCK_STREAM } from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';

export interface BoundSocket {
  readonly fd: OwnedFd;
  /** Removes the file, if it still is this socket's. */
  unlink(): void;
}

/** sun_path of struct sockaddr_un, with its closing zero (unix(7)). */
const MOST_PATH_BYTES = 107;

export async function bindSocketFile(path: string, mode: number, group: number | undefined): Promise<BoundSocket> {
  const name = Buffer.from(path, 'utf8');
  if (name.length > MOST_PATH_BYTES || name.includes(0)) {
    throw refuse(path, `has ${name.length} bytes; a unix socket takes ${MOST_PATH_BYTES}`, 'choose a shorter path');
  }
  await removeStale(path);
  const fd = new OwnedFd(openSocket(AF_UNIX, SOCK_STREAM, 0));
  try {
    bindSocket(fd.number, Buffer.concat([Buffer.from([AF_UNIX, 0]), name, Buffer.from([0])]));
    if (group !== undefined) chownSync(path, -1, group);
    chmodSync(path, mode);
    return { fd, unlink: unlinkOwn(path) };
  } catch (error) {
    fd.close();
    if (error instanceof NativeError && error.code === 'EADDRINUSE') throw inUse(path);
    throw refuse(path, 'cannot be bound', 'check the folder’s owner and mode', error);
  }
}

/** Removes a socket that a dead process left. False where somebody listens, or where it is no socket: then it stays. */
export async function removedStale(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return false;
  // guard: WEP-19 test/daemon/task-doors.test.ts — another daemon's tasks may be in the same folder
  if (await somethingListens(path)) return false;
  unlinkSync(path);
  return true;
}

async function removeStale(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  // guard: WEP-19 test/peer/socket-file.test.ts — only a socket is ever removed
  if (!stats.isSocket()) throw refuse(path, 'exists and is no socket', 'move it away, or choose another path');
  // guard: WEP-19 test/peer/socket-file.test.ts — replaced only if nothing listens
  if (await somethingListens(path)) throw inUse(path);
  unlinkSync(path);
}

/** Only ECONNREFUSED means that nobody listens; EAGAIN (backlog full), EACCES and others mean that somebody may. */
function somethingListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      probe.destroy();
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

/** Told apart by times too: a file made after ours was removed may well get our inode number. */
function unlinkOwn(path: string): () => void {
  const own = identity(path);
  return () => {
    if (identity(path) === own) unlinkSync(path);
  };
}

function identity(path: string): string {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? 'absent' : `${stats.dev}.${stats.ino}.${stats.birthtimeNs}.${stats.ctimeNs}`;
}

function inUse(path: string): Failure {
  return refuse(path, 'is in use: another process listens there', 'stop that daemon, or choose another path');
}

function refuse(path: string, why: string, hint: string, cause?: unknown): Failure {
  return new Failure('failed-precondition', 'SOCKET_UNUSABLE', `socket ${quote(path)} ${why}`, {
    field: 'sockets',
    value: path,
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}
