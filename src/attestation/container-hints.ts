// SPDX-License-Identifier: Apache-2.0
/**
 * Container ids and pod UIDs as they stand in cgroup paths. Whoever owns a part of the tree chooses its names, so all of
 * this is a hint (attack A10): an attestor asks its engine about the id and has `ProcessHandle.withinCgroupOf` prove that
 * the process is inside the container that the engine knows.
 *
 * Shapes, from the runtimes' sources and from SPIRE's pkg/agent/common/cgroups and containerinfo: `ID` (Docker and kubelet with
 * the cgroupfs driver), `docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`, `libpod-ID.scope` (systemd driver),
 * `…slice:cri-containerd:ID` (containerd without a systemd parent). Pods: `podUID`, `kubepods-besteffort-podUID.slice` with
 * `_` for `-`.
 */
import type { CgroupMembership } from '../peer/process-handle.ts';

export interface ContainerHint {
  /** 64 lower-case hex digits. */
  readonly id: string;
  /** Of the pod folder above; undefined where there is none. Lower-case, with dashes; 32 hex digits for static pods of some versions. */
  readonly podUid: string | undefined;
  /** The path up to and with the container's own folder. */
  readonly path: string;
}

/** Each distinct container that a path of the process names, the outermost first. */
export function containerHints(memberships: readonly CgroupMembership[]): readonly ContainerHint[] {
  const found = new Map<string, ContainerHint & { readonly depth: number }>();
  for (const { path } of memberships) {
    for (const hint of hintsIn(path)) if (!found.has(hint.id)) found.set(hint.id, hint);
  }
  return [...found.values()].sort((a, b) => a.depth - b.depth).map(({ id, podUid, path }) => ({ id, podUid, path }));
}

/** Is this the path of the container's own cgroup: does its last folder name it? For `withinCgroupOf`. */
export function isContainerPath(path: string, id: string): boolean {
  return containerIdOf(path.slice(path.lastIndexOf('/') + 1)) === id;
}

/** Does a folder of this path name the pod? */
export function isBelowPod(path: string, podUid: string): boolean {
  return path.split('/').some((folder) => podUidOf(folder) === podUid);
}

function* hintsIn(path: string): Generator<ContainerHint & { readonly depth: number }> {
  const folders = path.split('/');
  let podUid: string | undefined;
  for (const [depth, folder] of folders.entries()) {
    podUid = podUidOf(folder) ?? podUid;
    const id = containerIdOf(folder);
    if (id !== undefined) yield { id, podUid, path: folders.slice(0, depth + 1).join('/'), depth };
  }
}

/** `libpod-conmon-ID.scope` and the like hold the container's supervisor, not the container. */
const CONTAINER = /^(?:.*\.slice:)?(?:(?:[a-z0-9]+-)*[a-z0-9]+[-:])?([0-9a-f]{64})(?:\.scope)?$/;

function containerIdOf(folder: string): string | undefined {
  if (folder.includes('conmon')) return undefined;
  return CONTAINER.exec(folder)?.[1];
}

const POD =
  /^(?:.*-)?pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice(?::.*)?)?$/;

function podUidOf(folder: string): string | undefined {
  return POD.exec(folder)?.[1]?.replaceAll('_', '-');
}
