// SPDX-License-Identifier: Apache-2.0
/**
 * The cgroup of one launch. What a launched program starts is born into it and cannot leave it, since the folder and all
 * above it are root's; nobody else can join it. It is made by the daemon, below the cgroup that the launcher is in, so
 * that limits, container and unit stay what they were, and is emptied into that one and removed at the end.
 */
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../lib/failure.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { CgroupMounts } from './cgroup-owner.ts';
import { cgroupRelation, folderOwner, mountOf, ROOT, wayDown } from './cgroup-relation.ts';
import { readCgroups } from './cgroup-text.ts';
import { pidfdOpen } from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';
import { lookAt, ProcessGone } from './proc-look.ts';
import type { CgroupMembership, CgroupRelation } from './process-handle.ts';

/** Which hierarchies are tried, in this order: the unified one; of version 1, the one whose moves change least. */
const HIERARCHIES = ['', 'pids', 'name=systemd'] as const;

/** Programs may go on forking while they are moved out. */
const ROUNDS = 40;
const ROUND_MS = 50;

/** As the launch knows it: nobody rests on its cgroup yet, so to be moved is no change of what it is. */
export interface MovedProcess {
  readonly pid: number;
  /** Read now, under its pidfd. Throws ProcessGone. */
  cgroups(): readonly CgroupMembership[];
}

interface Place {
  readonly membership: CgroupMembership;
  /** In the file system. */
  readonly parent: string;
  readonly folder: string;
}

export class LaunchFolder {
  readonly name: string;
  readonly #place: Place;
  readonly #mounts: CgroupMounts;
  readonly #log: Logger;

  private constructor(place: Place, name: string, mounts: CgroupMounts, log: Logger) {
    this.#place = place;
    this.name = name;
    this.#mounts = mounts;
    this.#log = log;
  }

  /** Made, with the process in it. Rejects with a Failure, and then nothing is left. */
  static async make(process: MovedProcess, name: string, mounts: CgroupMounts, log: Logger): Promise<LaunchFolder> {
    const reasons: string[] = [];
    for (const hierarchy of HIERARCHIES) {
      const place = placeIn(process.cgroups(), hierarchy, name, mounts);
      if (typeof place === 'string') {
        reasons.push(place);
        continue;
      }
      const made = new LaunchFolder(place, name, mounts, log);
      let fault: string | undefined = 'the process is gone';
      try {
        fault = await made.#enter(process);
      } finally {
        if (fault !== undefined) await made.remove();
      }
      if (fault === undefined) return made;
      reasons.push(fault);
    }
    throw impossible(reasons.join('; '));
  }

  /** Is a process with these memberships in the folder, or below it? */
  holds(memberships: readonly CgroupMembership[]): CgroupRelation {
    const { membership } = this.#place;
    return cgroupRelation(memberships, [membership], (path) => path === membership.path, this.#mounts);
  }

  /** Whoever is still in it goes back to the cgroup above. Never rejects: what cannot be removed is left, and told. */
  async remove(): Promise<void> {
    const { folder } = this.#place;
    for (let round = 0; round < ROUNDS; round += 1) {
      const code = await codeOf(rmdir(folder));
      if (code === undefined || code === 'ENOENT') return;
      for (const pid of await pidsIn(folder)) await this.#moveOut(pid);
      if (round > 0) await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
    }
    this.#log.warn({ folder }, 'the cgroup of a launch could not be emptied and is left behind; nothing rests on it');
  }

  /** In words what keeps the process from being in it. */
  async #enter(process: MovedProcess): Promise<string | undefined> {
    const { folder } = this.#place;
    const code =
      (await codeOf(mkdir(folder, { mode: 0o755 }))) ??
      (await codeOf(write(join(folder, 'cgroup.procs'), process.pid)));
    if (code !== undefined) return `${folder} cannot be made or joined (${code})`;
    // Proven under the pidfd: the number was this process's all the time, and the folders on the way are root's.
    const relation = this.holds(process.cgroups());
    return relation.within ? undefined : relation.reason;
  }

  /** The number that the folder lists is somebody else's once its process is gone: it is held, and looked at, first. */
  async #moveOut(pid: number): Promise<void> {
    let pidfd: OwnedFd | undefined;
    try {
      pidfd = new OwnedFd(pidfdOpen(pid));
      const memberships = lookAt(pidfd, pid, readCgroups);
      // guard: A12, A4 test/peer/launch-folder.test.ts
      if (!this.holds(memberships).within) return;
      await codeOf(write(join(this.#place.parent, 'cgroup.procs'), pid));
    } catch (error) {
      if (!(error instanceof ProcessGone || error instanceof NativeError)) throw error;
    } finally {
      pidfd?.close();
    }
  }
}

/** Where the folder would be, or in words why it cannot be in this hierarchy. */
function placeIn(
  memberships: readonly CgroupMembership[],
  hierarchy: string,
  name: string,
  mounts: CgroupMounts,
): Place | string {
  const called = hierarchy === '' ? 'the unified hierarchy' : `the hierarchy ${hierarchy}`;
  const own = memberships.find(({ hierarchy: number, controllers }) =>
    hierarchy === '' ? number === 0 : controllers.includes(hierarchy),
  );
  const mount = own && mountOf(own, mounts);
  if (own === undefined || mount === undefined) return `${called} is not mounted here`;
  const { foreign, unknown } = wayDown(own, mounts, ROOT, folderOwner);
  // guard: A12 test/peer/launch-children.test.ts — who owns a folder above may remove ours and make another
  if (foreign !== undefined || unknown !== undefined) return foreign ?? unknown ?? '';
  const path = `${own.path === '/' ? '' : own.path}/${name}`;
  return { membership: { ...own, path }, parent: join(mount, own.path), folder: join(mount, path) };
}

async function pidsIn(folder: string): Promise<number[]> {
  const text = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => /^[1-9]\d*$/.test(line))
    .map(Number);
}

function write(file: string, pid: number): Promise<void> {
  return writeFile(file, String(pid), { flag: 'w' });
}

async function codeOf(act: Promise<unknown>): Promise<string | undefined> {
  try {
    await act;
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown error';
  }
}

function impossible(why: string): Failure {
  return new Failure(
    'failed-precondition',
    'LAUNCH_CHILDREN_IMPOSSIBLE',
    `the rule lets children count, and no cgroup can be made for them: ${why}`,
    {
      field: 'children',
      hint: 'run the daemon as root with the cgroup file system writable, or take children out of the rule',
    },
  );
}
