// SPDX-License-Identifier: Apache-2.0
/** Sockets handed over by the service manager (sd_listen_fds(3)): LISTEN_PID, LISTEN_FDS, descriptors from 3 on. */
import { Failure, quote } from '../lib/failure.ts';
import {
  AF_UNIX,
  closeOnExec,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_TYPE,
  SOCK_STREAM,
  socketName,
  socketOption,
} from './native.ts';
import { NativeError } from './native-error.ts';

const FIRST_FD = 3;
const MOST_FDS = 64;

/** Passed descriptors by the path they are bound to. Clears the variables, so that no child takes them for its own. */
export function takePassedSockets(env: NodeJS.ProcessEnv, pid: number): Map<string, number> {
  const { LISTEN_PID: forPid, LISTEN_FDS: count } = env;
  delete env['LISTEN_PID'];
  delete env['LISTEN_FDS'];
  delete env['LISTEN_FDNAMES'];
  const sockets = new Map<string, number>();
  // Meant for another process: an ancestor's variables, inherited.
  if (forPid !== String(pid) || count === undefined) return sockets;
  if (!/^\d{1,3}$/.test(count) || Number(count) > MOST_FDS) {
    throw refuse(`LISTEN_FDS is ${quote(count)}, not a number up to ${MOST_FDS}`);
  }
  for (let fd = FIRST_FD; fd < FIRST_FD + Number(count); fd += 1) {
    closeOnExec(fd);
    const path = boundPath(fd);
    if (path === undefined) throw refuse(`descriptor ${fd} is no listening unix stream socket with a path`);
    sockets.set(path, fd);
  }
  return sockets;
}

/** The descriptor is what the configuration means. */
export function checkPassedSocket(fd: number, path: string): void {
  const bound = boundPath(fd);
  // guard: WEP-19 test/peer/systemd.test.ts
  if (bound === path) return;
  throw refuse(
    bound === undefined
      ? `descriptor ${fd} is no listening unix stream socket with a path`
      : `descriptor ${fd} listens on ${quote(bound)}, the configuration says ${quote(path)}`,
  );
}

function boundPath(fd: number): string | undefined {
  try {
    if (option(fd, SO_DOMAIN) !== AF_UNIX || option(fd, SO_TYPE) !== SOCK_STREAM || option(fd, SO_ACCEPTCONN) !== 1) {
      return undefined;
    }
    // A family of two bytes, then the path; an abstract name begins with a zero byte.
    const name = socketName(fd).subarray(2);
    const end = name.indexOf(0);
    const path = name.toString('utf8', 0, end < 0 ? undefined : end);
    return path === '' ? undefined : path;
  } catch (error) {
    if (error instanceof NativeError) return undefined;
    throw error;
  }
}

function option(fd: number, name: number): number {
  const value = Buffer.alloc(4);
  socketOption(fd, name, value);
  return value.readInt32LE();
}

function refuse(why: string): Failure {
  return new Failure('failed-precondition', 'SOCKET_ACTIVATION', `socket activation: ${why}`, {
    hint: 'make ListenStream= in the socket unit the path that the configuration names, and Accept=no',
  });
}
