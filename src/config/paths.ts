// SPDX-License-Identifier: Apache-2.0
/**
 * Folders and sockets: where they lie when nobody says, and what no path may be.
 * Root: `/run` and `/var/lib`. Anyone else: below `$XDG_RUNTIME_DIR` and `$XDG_STATE_HOME` (XDG Base Directory
 * specification: a relative value counts as unset), and where those are unset the flags are required.
 */
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import { Refusal, type Setting } from './reader.ts';

export interface DefaultPaths {
  readonly dataDir: string | undefined;
  readonly workload: string | undefined;
  readonly admin: string | undefined;
  readonly taskDir: string | undefined;
  /** `default`, or the variable it came from. */
  readonly stateSource: string;
  readonly runtimeSource: string;
}

export function defaultPaths(uid: number, env: ReadonlyMap<string, string>): DefaultPaths {
  if (uid === 0) {
    return {
      dataDir: '/var/lib/assay',
      workload: '/run/assay/workload/api.sock',
      admin: '/run/assay-admin/admin.sock',
      taskDir: '/run/assay-task',
      stateSource: 'default',
      runtimeSource: 'default',
    };
  }
  const state = absolute(env.get('XDG_STATE_HOME'));
  const runtime = absolute(env.get('XDG_RUNTIME_DIR'));
  const below = (base: string | undefined, path: string) => (base === undefined ? undefined : join(base, path));
  return {
    dataDir: below(state, 'assay'),
    workload: below(runtime, 'assay/workload/api.sock'),
    admin: below(runtime, 'assay-admin/admin.sock'),
    taskDir: below(runtime, 'assay-task'),
    stateSource: 'env XDG_STATE_HOME',
    runtimeSource: 'env XDG_RUNTIME_DIR',
  };
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

/** sun_path holds 108 bytes with its final zero (unix(7)). */
export const MOST_SOCKET_PATH_BYTES = 107;

export function folderPath(fallback: string | undefined, fallbackSource: string): Setting<string | undefined> {
  return { fallback, fallbackSource, show: String, parse: (raw) => checkPath(raw) };
}

export function socketPath(fallback: string | undefined, fallbackSource: string): Setting<string | undefined> {
  return {
    fallback,
    fallbackSource,
    show: String,
    parse(raw) {
      const path = checkPath(raw);
      return path instanceof Refusal ? path : (checkSocketPath(path) ?? path);
    },
  };
}

/** Why no socket can have this path, or undefined. */
export function checkSocketPath(path: string): Refusal | undefined {
  const bytes = Buffer.byteLength(path);
  if (bytes > MOST_SOCKET_PATH_BYTES) {
    return new Refusal(
      `has ${bytes} bytes; the kernel allows a socket path ${MOST_SOCKET_PATH_BYTES}`,
      'choose a shorter folder',
    );
  }
  if (dirname(path) === '/') return new Refusal('lies in the root folder', 'give the socket a folder of its own');
  if (basename(path) === '') return new Refusal('names no file', 'end it with a file name, such as api.sock');
  return undefined;
}

function checkPath(raw: unknown): string | Refusal {
  if (typeof raw !== 'string') return new Refusal('is no path', 'give an absolute path, such as /run/assay');
  if (raw.startsWith('~') || !isAbsolute(raw)) {
    return new Refusal('is not absolute', 'give the whole path, from /; a daemon has no folder to start from');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(raw)) return new Refusal('holds a control character', 'remove it');
  if (raw.split('/').includes('..')) return new Refusal('holds a ".." segment', 'write the path without ".."');
  const path = normalize(raw).replace(/(?<=.)\/$/, '');
  if (Buffer.byteLength(path) > 4095)
    return new Refusal('is longer than the 4095 bytes of a path', 'choose a shorter one');
  return path;
}

/** True when `inner` is `outer` or lies below it. Both normal and absolute. */
export function liesWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer === '/' ? '/' : `${outer}/`);
}
