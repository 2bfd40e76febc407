// SPDX-License-Identifier: Apache-2.0
/**
 * Which pod and container the cgroups of a process are called after (attack A10: a hint), and whether that is a place where the
 * kubelet alone has folders made. The kubelet makes `kubepods` in its cgroup root, below it a folder a QoS class and one a pod,
 * and the runtime puts containers into it (kubelet `pkg/kubelet/cm`: qos_container_manager, pod_container_manager).
 */
import { containerHints, isBelowPod, isContainerPath } from '../../src/attestation/container-hints.ts';
import type { CgroupMembership } from '../../src/attestation/plugin.ts';

export interface PodPlace {
  readonly uid: string;
  readonly containerId: string;
  /** Of the container's cgroup; on version 1 the hierarchies may have it at different ones. */
  readonly paths: ReadonlySet<string>;
}

export type Placement =
  | { readonly in: 'pod'; readonly place: PodPlace }
  | { readonly in: 'no pod'; readonly reason: string }
  /** It may be in a pod or not. */
  | { readonly in: 'doubt'; readonly reason: string };

/** `root`: the kubelet's cgroup root as the daemon sees it, `/` or `/kubelet`. */
export function placementOf(memberships: readonly CgroupMembership[], root: string): Placement {
  const places = new Map<string, PodPlace & { readonly paths: Set<string> }>();
  let elsewhere = 'its cgroup names no container';
  for (const membership of memberships) {
    const { path } = membership;
    const within = below(root, path);
    const [outermost] = containerHints([{ ...membership, path: within ?? path }]);
    if (outermost === undefined) continue;
    // guard: A10 test/attestors/k8s/pod-place.test.ts — nobody can be asked who made folders out there
    if (path.startsWith('/..')) return { in: 'doubt', reason: `${path} lies outside the daemon's cgroup namespace` };
    const { id, podUid } = outermost;
    // A pod further in is of a cluster within that container.
    if (podUid === undefined) {
      elsewhere = 'its cgroup names a container that is in no pod';
      continue;
    }
    const place = places.get(`${podUid} ${id}`) ?? { uid: podUid, containerId: id, paths: new Set<string>() };
    const prefix = within === undefined || root === '/' ? '' : root;
    place.paths.add(`${prefix}${outermost.path}`);
    places.set(`${podUid} ${id}`, place);
  }
  const [place, another] = places.values();
  if (place === undefined) return { in: 'no pod', reason: elsewhere };
  // guard: A10 test/attestors/k8s/pod-place.test.ts
  if (another !== undefined) return { in: 'doubt', reason: 'its cgroups name different containers' };
  return { in: 'pod', place };
}

/**
 * Is it where the kubelet has its pods: the container in the pod's folder, that in `kubepods` or a class of it, that in the root? Or
 * where containerd puts it that takes the systemd driver's names for plain ones: `…-podUID.slice:cri-containerd:ID` in the root.
 */
export function isWhereKubeletsPodsAre({ uid, containerId, paths }: PodPlace, root: string): boolean {
  return [...paths].every((path) => isKubeletsPath(path, uid, containerId, root));
}

function isKubeletsPath(path: string, uid: string, containerId: string, root: string): boolean {
  const folders = below(root, path)?.split('/').slice(1);
  if (folders === undefined || folders.length > 4) return false;
  const container = folders.at(-1) ?? '';
  const pod = folders.length === 1 ? container : (folders.at(-2) ?? '');
  const [pods = '', qos] = folders.slice(0, -2);
  // guard: A10 test/attestors/k8s/pod-place.test.ts
  if (folders.length > 1 && !PODS.test(pods)) return false;
  if (folders.length === 1 && !PODS_OF_SYSTEMD.test(container)) return false;
  // guard: A10 test/attestors/k8s/pod-place.test.ts
  if (qos !== undefined && !QOS_CLASS.test(qos)) return false;
  // guard: A10 test/attestors/k8s/pod-place.test.ts
  if (!isBelowPod(`/${pod}`, uid)) return false;
  return isContainerPath(`/${container}`, containerId);
}

const PODS = /^(?:[a-z0-9]+-)*kubepods(?:\.slice)?$/;
const PODS_OF_SYSTEMD = /^(?:[a-z0-9]+-)*kubepods-(?:[a-z]+-)?pod[0-9a-f_]+\.slice:/;
const QOS_CLASS = /^(?:(?:[a-z0-9]+-)*kubepods-)?(?:burstable|besteffort)(?:\.slice)?$/;

/** `/kubepods/x` of `/kubelet/kubepods/x`; undefined when it is not below. */
function below(root: string, path: string): string | undefined {
  if (root === '/') return path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}
