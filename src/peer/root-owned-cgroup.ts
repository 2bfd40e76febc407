// SPDX-License-Identifier: Apache-2.0
/**
 * Is a process in a cgroup that nobody but root can have named (attack A10)? It takes no authority's word, so it proves less
 * than `cgroup-relation.ts`: that the tree down to there was made by root, and that the name is one that the asker accepts.
 */
import type { CgroupMounts } from './cgroup-owner.ts';
import { type FolderOwner, folderOwner, ROOT, wayDown } from './cgroup-relation.ts';
import type { CgroupMembership, CgroupRelation } from './process-handle.ts';

export function rootOwnedCgroup(
  caller: readonly CgroupMembership[],
  isNamed: (path: string) => boolean,
  mounts: CgroupMounts,
  ownerOf: FolderOwner = folderOwner,
): CgroupRelation {
  const named = caller.flatMap((one) => {
    const path = outermost(one.path, isNamed);
    return path === undefined ? [] : [{ ...one, path }];
  });
  let verified: string | undefined;
  let unknown = 'it is in no cgroup of that name';
  for (const one of named) {
    const owners = wayDown(one, mounts, ROOT, ownerOf);
    // guard: A10 test/peer/root-owned-cgroup.test.ts — a folder that another uid owns may be called anything
    if (owners.foreign !== undefined) return { within: false, reason: owners.foreign };
    if (owners.unknown === undefined) verified ??= one.path;
    else unknown = owners.unknown;
  }
  if (verified !== undefined) return { within: true, path: verified };
  return { within: false, reason: unknown, ...(named.length > 0 ? { unverifiable: true as const } : {}) };
}

/** Of `/a/b/c`: `/a`, `/a/b` or `/a/b/c`, the first that is named. */
function outermost(path: string, isNamed: (path: string) => boolean): string | undefined {
  const names = path.split('/');
  for (let depth = 2; depth <= names.length; depth += 1) {
    const folder = names.slice(0, depth).join('/');
    if (isNamed(folder)) return folder;
  }
  return undefined;
}
