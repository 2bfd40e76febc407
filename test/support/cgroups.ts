// SPDX-License-Identifier: Apache-2.0
/** Real cgroups that a test makes, as root, and processes moved into them. Removed after each test. */
import { chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach } from '@jest/globals';
import { cgroupMounts } from '../../src/peer/cgroup-owner.ts';
import type { Place } from './inside-caller.ts';

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0).reverse()) {
    for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n')) {
      if (pid !== '') moveTo(dirname(folder), Number(pid));
    }
    rmdirSync(folder);
  }
});

function moveTo(folder: string, pid: number): void {
  try {
    writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** One path in every hierarchy of this machine, as a container's engine makes it. */
export class TestCgroup {
  readonly path: string;
  readonly #folders: readonly string[];

  private constructor(path: string, folders: readonly string[]) {
    this.path = path;
    this.#folders = folders;
  }

  /** Folders on the way are made too; all that are made belong to `uid`. */
  static make(path: string, uid = 0): TestCgroup {
    const folders = mountsHere().map((mount) => {
      let folder = mount;
      for (const name of path.split('/').slice(1)) {
        folder = join(folder, name);
        makeFolder(folder, uid);
      }
      return folder;
    });
    return new TestCgroup(path, folders);
  }

  move(pid: number): void {
    for (const folder of this.#folders) moveTo(folder, pid);
  }
}

/** Runs a program of the machine in a cgroup that is there, without asking whoever made it. */
export function placeIn(path: string): Place {
  const folders = mountsHere().map((mount) => join(mount, path));
  const moving =
    'for f in "$@"; do shift; [ "$f" = -- ] && break; echo $$ >"$f/cgroup.procs" || exit 9; done; exec "$@"';
  return { prefix: ['sh', '-c', moving, 'sh', ...folders, '--'] };
}

/** One that somebody else made, an engine at a test's wish, and that is empty by now. */
export function removeCgroup(path: string): void {
  for (const mount of mountsHere()) {
    const folder = join(mount, path);
    if (existsSync(folder)) rmdirSync(folder);
  }
}

function mountsHere(): readonly string[] {
  const { unified, named } = cgroupMounts();
  return [...new Set([...(unified === undefined ? [] : [unified]), ...named.values()])];
}

function makeFolder(folder: string, uid: number): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  made.push(folder);
  // A new cpuset of version 1 takes nobody before it has processors and memory.
  for (const file of ['cpuset.cpus', 'cpuset.mems']) copyFromParent(folder, file);
  if (uid === 0) return;
  chownSync(folder, uid, uid);
  for (const file of ['cgroup.procs', 'tasks']) {
    try {
      chownSync(join(folder, file), uid, uid);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

function copyFromParent(folder: string, file: string): void {
  try {
    if (readFileSync(join(folder, file), 'utf8').trim() !== '') return;
    writeFileSync(join(folder, file), readFileSync(join(dirname(folder), file)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
