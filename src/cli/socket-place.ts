// SPDX-License-Identifier: Apache-2.0
/**
 * Which socket a command talks to: the flag, then the environment, then the configuration file, then where a
 * daemon puts it by default: one of this user, otherwise the machine's.
 */
import { stat } from 'node:fs/promises';
import { checkSocketPath, defaultPaths } from '../config/paths.ts';
import type { Io } from './io.ts';
import { usage } from './usage.ts';

export interface SocketPlace {
  readonly path: string;
  /** Every path that was thought of, in order. */
  readonly tried: readonly string[];
}

export interface SocketOptions {
  readonly config?: string;
}

const PLACES = {
  admin: { key: 'sockets.admin', variable: 'ASSAY_SOCKETS_ADMIN', flag: '--admin-socket' },
  workload: { key: 'sockets.workload', variable: 'ASSAY_SOCKETS_WORKLOAD', flag: '--workload-socket' },
} as const;

export async function socketPlace(
  io: Io,
  which: 'admin' | 'workload',
  explicit: string | undefined,
  config: string | undefined,
): Promise<SocketPlace> {
  const { variable, flag } = PLACES[which];
  if (explicit !== undefined) return one(explicit, flag);
  const set = io.env.get(variable);
  if (set !== undefined && set !== '') return one(set, variable);
  const file = config ?? io.env.get('ASSAY_CONFIG');
  if (file !== undefined && file !== '') return one(await fromConfig(io, which, file), flag);
  const tried = [defaultPaths(io.uid, io.env)[which], defaultPaths(0, io.env)[which]].filter(
    (path) => path !== undefined,
  );
  for (const path of tried) if (await isThere(path)) return { path, tried };
  return { path: tried[0]!, tried: [...new Set(tried)] };
}

function one(path: string, field: string): SocketPlace {
  if (!path.startsWith('/'))
    throw usage(field, path, 'is not an absolute path', 'give the whole path of the socket, from /');
  const refusal = checkSocketPath(path);
  if (refusal !== undefined) throw usage(field, path, refusal.reason, refusal.hint);
  return { path, tried: [path] };
}

/** Only the one key counts here; whatever else the file says is the daemon's business. */
async function fromConfig(io: Io, which: 'admin' | 'workload', file: string): Promise<string> {
  const { inspectConfig } = await import('../config/parse.ts');
  const { config, problems } = await inspectConfig({ file, flags: new Map(), env: io.env, uid: io.uid });
  const path = config.sockets[which];
  const problem = problems.find((one) => one.field?.startsWith(PLACES[which].key));
  if (problem !== undefined) throw problem;
  if (path === '')
    throw usage(PLACES[which].flag, undefined, `${file} does not say where the socket is`, 'give the flag');
  return path;
}

/** There, or behind a folder that may not be searched: either way the one to try. */
async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}
