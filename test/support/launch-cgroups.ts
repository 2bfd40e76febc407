// SPDX-License-Identifier: Apache-2.0
/** Real cgroups, for tests that run as root where the cgroup file systems can be written. */
import { chownSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from '@jest/globals';
import { type CgroupMounts, cgroupMounts } from '../../src/peer/cgroup-owner.ts';
import { mountOf } from '../../src/peer/cgroup-relation.ts';
import { parseCgroups } from '../../src/peer/proc-text.ts';
import type { CgroupMembership } from '../../src/peer/process-handle.ts';

export const mounts: CgroupMounts = cgroupMounts();

/** The hierarchies that a launch may use. */
const HIERARCHIES = ['', 'pids', 'name=systemd'];

export function membershipsOf(pid: number): CgroupMembership[] {
  return parseCgroups(readFileSync(`/proc/${pid}/cgroup`)).filter(
    ({ hierarchy, controllers }) => hierarchy === 0 || HIERARCHIES.some((name) => controllers.includes(name)),
  );
}

/** The path of `pid` in each of them. */
export const pathsOf = (pid: number): string[] => membershipsOf(pid).map(({ path }) => path);

/** A folder of this name below the cgroup of this very process, in each hierarchy. */
export class TestCgroup {
  readonly #folders: string[] = [];
  readonly #name: string;

  constructor(name: string, owner = 0) {
    this.#name = name;
    for (const membership of membershipsOf(process.pid)) {
      const mount = mountOf(membership, mounts);
      if (mount === undefined) continue;
      const folder = join(mount, membership.path, name);
      mkdirSync(folder);
      chownSync(folder, owner, owner);
      this.#folders.push(folder);
    }
  }

  take(pid: number): void {
    for (const folder of this.#folders) writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  }

  /** Once nothing is in it. */
  remove(): void {
    for (let last = this.#folders.at(-1); last !== undefined; last = this.#folders.at(-1)) {
      rmdirSync(last);
      this.#folders.pop();
    }
  }

  get name(): string {
    return this.#name;
  }
}

/** Of launches, below the cgroup of this very process. */
export function launchFolders(): string[] {
  return membershipsOf(process.pid).flatMap((membership) => {
    const folder = join(mountOf(membership, mounts) ?? '/nowhere', membership.path);
    return readdirSync(folder)
      .filter((name) => name.startsWith('assay-launch-'))
      .map((name) => join(folder, name));
  });
}

function writable(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    new TestCgroup(`assay-test-${process.pid}`).remove();
    return true;
  } catch {
    return false;
  }
}

/** Skipped with one line where no cgroup can be made. */
export const withCgroups = writable() ? it : it.skip;
