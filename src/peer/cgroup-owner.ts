// SPDX-License-Identifier: Apache-2.0
/**
 * Which cgroup a caller's connections count for (I9). Whoever owns a subtree makes as many cgroups as they like below
 * it, so what counts is the deepest folder on the caller's way that root owns, with every folder above it root's too.
 * The unified hierarchy is asked first, then `name=systemd`.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { AT_FDCWD } from './native.ts';
import { readText } from './proc-look.ts';
import type { CgroupMembership } from './process-handle.ts';

export interface CgroupMounts {
  readonly unified: string | undefined;
  readonly systemd: string | undefined;
  /** Hierarchies of version 1 by controller or `name=…`; the same folder stands under each controller it has. */
  readonly named: ReadonlyMap<string, string>;
}

/** Where the hierarchies are mounted, from /proc/self/mountinfo. */
export function cgroupMounts(): CgroupMounts {
  return parseCgroupMounts(readText(AT_FDCWD, '/proc/self/mountinfo'));
}

export function parseCgroupMounts(mountinfo: string): CgroupMounts {
  let unified: string | undefined;
  const named = new Map<string, string>();
  for (const line of mountinfo.split('\n')) {
    const [mount, fileSystem] = line.split(' - ');
    const fields = mount?.split(' ') ?? [];
    const [root, at] = [fields[3], fields[4]];
    // Only a mount of the hierarchy's root has the paths that /proc/PID/cgroup prints.
    if (root !== '/' || at === undefined || fileSystem === undefined) continue;
    const [type, , options = ''] = fileSystem.split(' ');
    if (type === 'cgroup2') unified ??= unescaped(at);
    if (type !== 'cgroup') continue;
    for (const name of options.split(',')) if (!named.has(name)) named.set(name, unescaped(at));
  }
  return { unified, systemd: named.get('name=systemd'), named };
}

/** What the daemon calls the cgroup of a launch. It counts for the one that it lies in. */
export const LAUNCH_FOLDER = /^assay-launch-[0-9a-f]{32}$/;

/** `hierarchy:path`, or undefined where there is none but the root. */
export function countedCgroup(
  memberships: readonly CgroupMembership[],
  mounts: CgroupMounts,
  ownerOf: (folder: string) => number | undefined = folderOwner,
): string | undefined {
  const unified = memberships.find(({ hierarchy }) => hierarchy === 0);
  const systemd = memberships.find(({ controllers }) => controllers.includes('name=systemd'));
  const counted = unified && madeByRoot(unified.path, mounts.unified, ownerOf);
  if (counted !== undefined) return `unified:${counted}`;
  const named = systemd && madeByRoot(systemd.path, mounts.systemd, ownerOf);
  return named === undefined ? undefined : `systemd:${named}`;
}

function madeByRoot(
  path: string,
  mount: string | undefined,
  ownerOf: (folder: string) => number | undefined,
): string | undefined {
  const names = path.split('/').filter((name) => name !== '');
  // Outside the daemon's cgroup namespace: the first folder that has a name there; its owner cannot be looked up.
  if (names[0] === '..') return `/${names.slice(0, names.findIndex((name) => name !== '..') + 1).join('/')}`;
  let counted: string | undefined;
  let folder = '';
  for (const name of names) {
    // guard: I9 test/peer/cgroup-owner.test.ts — whoever may launch would make as many as they like to be counted anew
    if (LAUNCH_FOLDER.test(name)) break;
    folder = `${folder}/${name}`;
    // guard: I9 test/peer/cgroup-owner.test.ts — below this, the names are the caller's own
    if (mount === undefined || ownerOf(join(mount, folder)) !== 0) break;
    counted = folder;
  }
  return counted;
}

function folderOwner(folder: string): number | undefined {
  return lstatSync(folder, { throwIfNoEntry: false })?.uid;
}

/** mountinfo writes space, tab, newline and backslash in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
