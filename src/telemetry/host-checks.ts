// SPDX-License-Identifier: Apache-2.0
/**
 * How well this machine lets a daemon do its work: what can be seen from outside the rooms, so that the daemon
 * and a command without one say the same. Nothing here throws; what cannot be seen is said.
 */
import { constants } from 'node:fs';
import { open, readFile, rm, stat, statfs } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import type { Config } from '../config/config.ts';
import { formatDuration } from '../lib/duration.ts';
import type { Check } from './check.ts';

export interface HostCheckOptions {
  readonly config: Pick<Config, 'dataDir' | 'sockets' | 'limits' | 'insecureSameUid'>;
  /** The uid the daemon runs as, or would. */
  readonly uid: number;
  /** Whose descriptor limit counts: the daemon's, or this process that would become one. */
  readonly pid: number;
  /** Milliseconds of any clock that does not go back. */
  readonly monotonic: () => number;
}

/** What a command without a daemon can see. */
export async function hostChecks(options: HostCheckOptions): Promise<readonly Check[]> {
  const { uid } = options;
  return [
    daemonUid(options),
    executables(uid),
    peerIdentity(),
    await descriptors(options),
    ...(await folderChecks(options)),
  ];
}

/** The data and the sockets: who could write them, and how long a synced write takes. */
export async function folderChecks(
  options: Pick<HostCheckOptions, 'uid' | 'monotonic'> & { readonly config: Pick<Config, 'dataDir' | 'sockets'> },
): Promise<readonly Check[]> {
  const { config, uid, monotonic } = options;
  const dataDir = await folderCheck('data folder', config.dataDir, uid, 0o077);
  return [
    dataDir,
    ...(dataDir.status === 'ok' ? await durability(config.dataDir, monotonic) : []),
    await folderCheck('workload folder', dirname(config.sockets.workload), uid, 0o022),
    await folderCheck('admin folder', dirname(config.sockets.admin), uid, 0o027),
  ];
}

/** Attack B2. */
function daemonUid({ uid, config }: HostCheckOptions): Check {
  const name = 'daemon uid';
  if (uid === 0) return { name, status: 'ok', text: 'root: no other uid can read its keys' };
  const accepted = config.insecureSameUid ? '; insecure_same_uid accepts that' : '';
  return {
    name,
    status: 'warn',
    text: `uid ${uid}, not root: programs of this uid can read the daemon's files and act as it${accepted}`,
    hint: 'run the daemon as root, or keep it for development',
  };
}

/** `path` and `sha256` need the right to look at a caller's executable. */
function executables(uid: number): Check {
  const name = 'executables';
  if (uid === 0) return { name, status: 'ok', text: "readable for every caller's uid" };
  return {
    name,
    status: 'warn',
    text: `readable for callers of uid ${uid} only, so unix:path and unix:sha256 do not apply to others`,
    hint: 'run the daemon as root',
  };
}

/** SO_PEERPIDFD came with Linux 6.5 (unix(7)); below it a pid could be another's by the time it is looked at (attack A4). */
function peerIdentity(): Check {
  const name = 'peer identity';
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major > 6 || (major === 6 && minor >= 5)) {
    return { name, status: 'ok', text: `strong: Linux ${release()} hands over callers as process descriptors` };
  }
  return {
    name,
    status: 'warn',
    text: `weak: Linux ${release()} names callers by number only; each SVID is marked weak_peer`,
    hint: 'Linux 6.5 or newer',
  };
}

/** One descriptor a connection, one a process if each connection has its own, and some for everything else. */
async function descriptors({ config, pid }: HostCheckOptions): Promise<Check> {
  const name = 'descriptors';
  const needed = 2 * config.limits.connections + OWN_DESCRIPTORS;
  const limit = await descriptorLimit(pid);
  if (limit === undefined)
    return { name, status: 'warn', text: `the limit of pid ${pid} cannot be read`, hint: 'run the command as root' };
  if (limit >= needed)
    return { name, status: 'ok', text: `at most ${limit}, enough for ${config.limits.connections} connections` };
  const served = Math.max(0, Math.floor((limit - OWN_DESCRIPTORS) / 2));
  return {
    name,
    status: 'warn',
    text: `at most ${limit}: enough for ${served} connections, limits.connections is ${config.limits.connections}`,
    hint: `raise it to ${needed} (LimitNOFILE=${needed} in the unit, or ulimit -n), or lower limits.connections`,
  };
}

const OWN_DESCRIPTORS = 128;

async function descriptorLimit(pid: number): Promise<number | undefined> {
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (soft === 'unlimited') return Number.MAX_SAFE_INTEGER;
  return soft === undefined ? undefined : Number(soft);
}

async function folderCheck(name: string, path: string, uid: number, forbidden: number): Promise<Check> {
  let seen: { uid: number; mode: number; isDirectory(): boolean };
  try {
    seen = await stat(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return { name, status: 'ok', text: `${path} is not there yet; the first start makes it` };
    return {
      name,
      status: 'warn',
      text: `${path} cannot be looked at (${code})`,
      hint: `run the command as uid ${uid}`,
    };
  }
  const mode = (seen.mode & 0o7777).toString(8).padStart(4, '0');
  if (!seen.isDirectory()) return { name, status: 'fail', text: `${path} is no folder`, hint: `move ${path} away` };
  if (seen.uid !== uid && seen.uid !== 0) {
    return { name, status: 'fail', text: `${path} belongs to uid ${seen.uid}`, hint: `chown ${uid} ${path}` };
  }
  if ((seen.mode & forbidden) !== 0) {
    const allowed = (0o777 & ~forbidden).toString(8).padStart(4, '0');
    return {
      name,
      status: 'fail',
      text: `${path} has mode ${mode}, wider than ${allowed}`,
      hint: `chmod ${allowed} ${path}`,
    };
  }
  return { name, status: 'ok', text: `${path} has mode ${mode}` };
}

/** statfs(2): file systems that a power cut empties. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
const TRIES = 8;
const SLOW_MS = 25;

/** No log, no credential: what an fsync costs is what a first SVID costs. */
async function durability(dataDir: string, monotonic: () => number): Promise<readonly Check[]> {
  const exists = await stat(dataDir).catch(() => undefined);
  return exists === undefined ? [] : [await timeSync(dataDir, monotonic)];
}

async function timeSync(dataDir: string, monotonic: () => number): Promise<Check> {
  const name = 'durability';
  const file = join(dataDir, '.doctor');
  try {
    if (IN_MEMORY.has((await statfs(dataDir)).type)) {
      return {
        name,
        status: 'warn',
        text: `${dataDir} lies in memory: a restart of the machine loses it`,
        hint: 'give data_dir a place on a disk',
      };
    }
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const handle = await open(file, flags, 0o600);
    const times: number[] = [];
    try {
      for (let i = 0; i < TRIES; i++) {
        const from = monotonic();
        await handle.write(Buffer.alloc(4096), 0, 4096, i * 4096);
        await handle.sync();
        times.push(monotonic() - from);
      }
    } finally {
      await handle.close();
      await rm(file, { force: true });
    }
    const middle = times.sort((a, b) => a - b)[TRIES >> 1]!;
    const text = `a synced write takes ${middle.toFixed(2)} ms`;
    return middle <= SLOW_MS
      ? { name, status: 'ok', text }
      : {
          name,
          status: 'warn',
          text: `${text}, more than ${formatDuration(SLOW_MS)}; every first SVID waits for one`,
          hint: 'give data_dir a faster disk',
        };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return {
      name,
      status: 'fail',
      text: `nothing can be written to ${dataDir} (${code})`,
      hint: 'free space, or restore access',
    };
  }
}
