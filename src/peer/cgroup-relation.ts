// SPDX-License-Identifier: Apache-2.0
/**
 * Is one process inside the cgroup of another (attack A10)? Whoever owns a subtree may name what is below it as they like:
 * `docker-<64 hex>.scope` says nothing by itself. So the cgroup asked about is the one that the kernel prints for the
 * leader an authority named, its name is what that authority calls it, and root owns every folder down to it. The leader
 * may have gone further down (a container's systemd to `init.scope`, crun's payload to `container`): the outermost folder of
 * that name on its way is meant.
 *
 * On version 1 a process stands in one folder of each hierarchy. All in which the leader's name is right must agree.
 *
 * An authority that is not root itself (a rootless engine) speaks only for what lies below that user's own manager.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupMounts } from './cgroup-owner.ts';
import type { CgroupMembership, CgroupRelation } from './process-handle.ts';

export const ROOT = 0;

/** Who owns a folder of the cgroup file system; undefined where there is none. */
export type FolderOwner = (folder: string) => number | undefined;

export function cgroupRelation(
  caller: readonly CgroupMembership[],
  leader: readonly CgroupMembership[],
  isNamed: (path: string) => boolean,
  mounts: CgroupMounts,
  authority = ROOT,
  ownerOf: FolderOwner = folderOwner,
): CgroupRelation {
  const named = leader.flatMap((one) => namedFolder(one, isNamed));
  if (named.length === 0) return outside('the process named as its first one is in no cgroup of that name');
  let unknown: string | undefined;
  let verified: string | undefined;
  for (const one of named) {
    const own = caller.find((other) => sameHierarchy(one, other));
    // guard: A10 test/peer/cgroup-relation.test.ts — the hint in the caller's own cgroup is not the cgroup of the leader
    if (own === undefined || !isBelow(own.path, one.path)) return outside('its cgroup is not in the one of that name');
    const owners = wayDown(one, mounts, authority, ownerOf);
    // guard: A10 test/peer/cgroup-relation.test.ts — a folder that another uid owns may be called anything
    if (owners.foreign !== undefined) return outside(owners.foreign);
    if (owners.unknown === undefined) verified ??= one.path;
    else unknown ??= owners.unknown;
  }
  // guard: A10 test/peer/cgroup-relation.test.ts — what cannot be verified in any hierarchy is not believed
  if (verified === undefined) return outside(unknown ?? 'nobody knows who made its cgroup');
  return { within: true, path: verified };
}

function namedFolder(one: CgroupMembership, isNamed: (path: string) => boolean): CgroupMembership[] {
  const names = one.path.split('/');
  for (let depth = 2; depth <= names.length; depth += 1) {
    const path = names.slice(0, depth).join('/');
    if (isNamed(path)) return [{ ...one, path }];
  }
  return [];
}

function outside(reason: string): CgroupRelation {
  return { within: false, reason };
}

function sameHierarchy(a: CgroupMembership, b: CgroupMembership): boolean {
  return a.hierarchy === b.hierarchy && a.controllers.join() === b.controllers.join();
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

export interface WayDown {
  /** Somebody else than root may have made it. */
  readonly foreign?: string;
  /** Nobody can be asked who made it. */
  readonly unknown?: string;
}

/** Whose folders lead to this cgroup, and whose it is itself. Both empty: the authority's, or root's. */
export function wayDown(one: CgroupMembership, mounts: CgroupMounts, authority: number, ownerOf: FolderOwner): WayDown {
  const names = one.path.split('/').filter((name) => name !== '');
  const manager = names.findIndex((name) => /^user@.*\.service$/.test(name));
  // guard: A10 test/peer/cgroup-relation.test.ts — below a user's manager the names are the user's
  if (manager >= 0 && authority === ROOT) return { foreign: `${one.path} is of a user's own manager` };
  // guard: A13 test/peer/cgroup-relation.test.ts — a rootless engine speaks for nobody else's processes
  if (authority !== ROOT && !isOfManager(names, authority))
    return { foreign: `${one.path} is not of the manager of uid ${authority}` };
  if (names.includes('..')) return { unknown: `${one.path} lies outside the daemon's cgroup namespace` };
  const mount = mountOf(one, mounts);
  if (mount === undefined) return { unknown: `the cgroup hierarchy of ${one.path} is not mounted here` };
  let folder = '';
  for (const [at, name] of names.entries()) {
    folder = `${folder}/${name}`;
    const owner = ownerOf(join(mount, folder));
    if (owner === undefined) return { foreign: `${folder} is gone` };
    const own = owner === ROOT || (owner === authority && at >= manager);
    if (!own) return { foreign: `${folder} is owned by uid ${owner}` };
  }
  return {};
}

/** Where systemd puts everything that a user's manager starts. */
function isOfManager(names: readonly string[], uid: number): boolean {
  const [slice, user, manager] = names;
  return slice === 'user.slice' && user === `user-${uid}.slice` && manager === `user@${uid}.service`;
}

/** Where the hierarchy of this membership is mounted here. */
export function mountOf({ hierarchy, controllers }: CgroupMembership, mounts: CgroupMounts): string | undefined {
  if (hierarchy === 0) return mounts.unified;
  return controllers.map((name) => mounts.named.get(name)).find((mount) => mount !== undefined);
}

export function folderOwner(folder: string): number | undefined {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true ? found.uid : undefined;
}
