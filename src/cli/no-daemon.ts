// SPDX-License-Identifier: Apache-2.0
/** Why a socket does not answer, in words that help: nothing there, nobody listening, not allowed. */
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { Failure } from '../lib/failure.ts';
import type { Io } from './io.ts';
import type { SocketPlace } from './socket-place.ts';

/** Undefined when the socket takes connections, so that the fault lies elsewhere. */
export async function whyNoDaemon(io: Io, place: SocketPlace, flag: string): Promise<Failure | undefined> {
  const code = await connectCode(place.path);
  const tried = place.tried.join(' and ');
  switch (code) {
    case undefined:
      return undefined;
    case 'ENOENT':
    case 'ENOTDIR':
      return noDaemon(`no daemon: there is no socket at ${tried}`, place, startHint(flag));
    case 'ECONNREFUSED':
      return noDaemon(
        `no daemon: nobody listens at ${place.path}; its socket was left behind by a daemon that has ended`,
        place,
        startHint(flag),
      );
    case 'EACCES':
    case 'EPERM':
      return denied(io, place, flag);
    default:
      return noDaemon(`no daemon: ${place.path} cannot be connected to (${code})`, place, startHint(flag));
  }
}

function startHint(flag: string): string {
  return `start one with: assay run --trust-domain example.org (or name its socket with ${flag})`;
}

function noDaemon(message: string, place: SocketPlace, hint: string): Failure {
  return new Failure('unavailable', 'NO_DAEMON', message, { field: 'socket', value: place.path, hint });
}

async function denied(io: Io, place: SocketPlace, flag: string): Promise<Failure> {
  const at = await guardedBy(place.path);
  if (at === undefined)
    return noDaemon(
      `permission denied: uid ${io.uid} may not connect to ${place.path}`,
      place,
      'run the command as root',
    );
  const { machineAccounts } = await import('../config/accounts.ts');
  const group = (await machineAccounts.group(String(at.gid)))?.name ?? String(at.gid);
  const user = (await machineAccounts.user(io.uid))?.name ?? `uid ${io.uid}`;
  const open = (at.mode & 0o010) !== 0 && at.gid !== 0;
  const hint = open
    ? `join the group: usermod -aG ${group} ${user} (as root, then log in again), or run the command as root`
    : `run the command as uid ${at.uid}${flag === '--admin-socket' ? ', which runs the daemon' : ''}`;
  const who = open ? `for uid ${at.uid} and the group ${group}` : `for uid ${at.uid} alone`;
  return new Failure('permission-denied', 'SOCKET_DENIED', `permission denied: ${at.path} is ${who}; this is ${user}`, {
    field: 'socket',
    value: place.path,
    hint,
  });
}

/** The socket, or the nearest folder above it that can be looked at: the one whose mode keeps us out. */
async function guardedBy(path: string): Promise<{ path: string; uid: number; gid: number; mode: number } | undefined> {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { uid, gid, mode } = await stat(at);
      return { path: at, uid, gid, mode };
    } catch {
      if (at === '/') return undefined;
    }
  }
}

function connectCode(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown error'));
  });
}
