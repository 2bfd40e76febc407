// SPDX-License-Identifier: Apache-2.0
import type { Listed } from './list-reader.ts';
import { type Pod, parsePod, type UnusablePod } from './pod.ts';

export type ListedPod = Pod | UnusablePod;

/** By UID. */
export type Pods = ReadonlyMap<string, ListedPod>;

export const PODS: Listed<ListedPod> = {
  things: 'pods',
  listKind: 'PodList',
  // One without is nobody's: no cgroup is called after it.
  key: 'UID',
  keyOf: ({ uid }) => uid,
  parse: parsePod,
  /** etcd takes objects up to 1.5 MiB, and a kubelet runs up to some hundred pods (Kubernetes docs, "Considerations for large clusters"). */
  rules: { itemBytes: 2 << 20, restBytes: 64 << 10, listBytes: 128 << 20, items: 4_096 },
};
