// SPDX-License-Identifier: Apache-2.0
/**
 * Connects to a service whose word counts for other processes (a container engine), and only to that one (attack A13): the
 * socket, every folder and every link on the way to it are root's, nobody else may put another in its place, and the
 * kernel says that root listens behind it. Where an operator says so, it is another uid's.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, isAbsolute, join } from 'node:path';
import { Failure, quote } from '../lib/failure.ts';
import { SO_PEERCRED, socketOption } from './native.ts';
import { descriptorOf } from './socket-descriptor.ts';

export interface UpstreamRules {
  readonly path: string;
  /** The setting that named it. */
  readonly field: string;
  /** Whose service it is: root's, or where an operator says so another uid's, whose folders are then believed too. */
  readonly uid: number;
  /** Everybody may ask it, as a message bus: what it says does not depend on who else may. */
  readonly isOpen?: boolean;
  /** Who listens has to be this process, or any of our pid namespace: its word is about pids as it counts them. */
  readonly pid?: number | 'of our namespace';
}

const WRITABLE_BY_GROUP_OR_OTHERS = 0o022;
const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;
/** As the kernel's MAXSYMLINKS. */
const MOST_LINKS = 40;

/** Rejects with Failure `UPSTREAM_DOWN`, `UPSTREAM_UNSAFE`, or the signal's reason. The receiver owns the socket. */
export async function connectUpstream(rules: UpstreamRules, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const path = judgePath(rules);
  const socket = connect({ path });
  try {
    await connected(socket, rules, signal);
    const { uid, pid } = listener(socket);
    // guard: A13 test/peer/upstream-socket.test.ts — whatever the file system says, this is who answers
    if (uid !== rules.uid) throw unsafe(rules, `is answered by uid ${uid}, not ${rules.uid}`);
    const isOurs = rules.pid === undefined || (rules.pid === 'of our namespace' ? pid > 0 : pid === rules.pid);
    // guard: A4 test/peer/upstream-socket.test.ts — a number of another pid namespace is another process
    if (!isOurs) throw unsafe(rules, `is answered by pid ${pid}, as this pid namespace counts`);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function connected(socket: Socket, rules: UpstreamRules, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const settle = (): void => signal.removeEventListener('abort', abort);
    socket.once('connect', () => {
      settle();
      resolve();
    });
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      settle();
      reject(down(rules, cause.code, cause));
    });
  });
}

const credentials = Buffer.alloc(12);

/** Whoever called listen(2) (unix(7), SO_PEERCRED), be it the service itself or whoever handed it the socket. */
function listener(socket: Socket): { readonly pid: number; readonly uid: number } {
  socketOption(descriptorOf(socket), SO_PEERCRED, credentials);
  return { pid: credentials.readInt32LE(0), uid: credentials.readUInt32LE(4) };
}

/** Walks down as the kernel does, link by link; gives the path without links. */
function judgePath(rules: UpstreamRules): string {
  if (!isAbsolute(rules.path)) throw unsafe(rules, 'is not an absolute path');
  let at = '/';
  judgeFolder(at, look(at, rules), rules);
  const left = rules.path.split('/');
  let links = 0;
  while (left.length > 0) {
    const name = left.shift() as string;
    if (name === '' || name === '.') continue;
    const next = name === '..' ? dirname(at) : join(at, name);
    const stats = look(next, rules);
    judgeOwner(next, stats, rules);
    if (stats.isSymbolicLink()) {
      links += 1;
      if (links > MOST_LINKS) throw unsafe(rules, `has more than ${MOST_LINKS} links on its way`);
      const target = readlinkSync(next);
      if (isAbsolute(target)) at = '/';
      left.unshift(...target.split('/'));
    } else {
      at = next;
      if (left.some((more) => more !== '' && more !== '.')) judgeFolder(at, stats, rules);
      else judgeSocket(at, stats, rules);
    }
  }
  return at;
}

function look(path: string, rules: UpstreamRules): Stats {
  try {
    return lstatSync(path);
  } catch (cause) {
    throw down(rules, (cause as NodeJS.ErrnoException).code, cause);
  }
}

function judgeOwner(path: string, { uid }: Stats, rules: UpstreamRules): void {
  // guard: A13 test/peer/upstream-socket.test.ts
  if (uid !== 0 && uid !== rules.uid) throw unsafe(rules, `cannot be relied on: ${path} belongs to uid ${uid}`);
}

function judgeFolder(path: string, stats: Stats, rules: UpstreamRules): void {
  if (!stats.isDirectory()) throw unsafe(rules, `cannot be reached: ${path} is not a folder`);
  // With the sticky bit only its owner removes what lies in it.
  const open = (stats.mode & WRITABLE_BY_GROUP_OR_OTHERS) !== 0 && (stats.mode & STICKY) === 0;
  // guard: A13 test/peer/upstream-socket.test.ts
  if (open) throw unsafe(rules, `cannot be relied on: others can write the folder ${path}`, `chmod go-w ${path}`);
}

function judgeSocket(path: string, stats: Stats, rules: UpstreamRules): void {
  if (!stats.isSocket()) throw unsafe(rules, 'is no socket');
  // guard: A13 test/peer/upstream-socket.test.ts — whoever may ask it for a container chooses what it vouches for
  if (rules.isOpen !== true && (stats.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw unsafe(rules, 'cannot be relied on: everybody may give orders through it', `chmod o-w ${path}`);
  }
}

function down({ path, field }: UpstreamRules, code: string | undefined, cause: unknown): Failure {
  const why = code === 'ENOENT' ? 'does not exist' : code === 'ECONNREFUSED' ? 'is not listened to' : `fails (${code})`;
  return new Failure('unavailable', 'UPSTREAM_DOWN', `${field}: ${quote(path)} ${why}`, {
    field,
    value: path,
    hint: 'start the service behind it, or correct the setting',
    cause,
  });
}

function unsafe({ path, field }: UpstreamRules, why: string, hint?: string): Failure {
  return new Failure('failed-precondition', 'UPSTREAM_UNSAFE', `${field}: ${quote(path)} ${why}`, {
    field,
    value: path,
    hint: hint ?? 'the service, its socket and every folder above it must be of root',
  });
}
