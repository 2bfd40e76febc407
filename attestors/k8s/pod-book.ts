// SPDX-License-Identifier: Apache-2.0
/** The pods of this node as they were last heard of, found by what a cgroup path says, and what has changed since. */
import { isUsable, type Pod, samePod, type UnusablePod } from './pod.ts';
import type { ListedPod, Pods } from './pod-list.ts';
import type { Book } from './shared-index.ts';

/** A pod's processes outlive its removal by seconds. */
const MOST_DELETED = 4_096;

export class PodBook implements Book<ListedPod> {
  #pods: Map<string, Pod | UnusablePod> = new Map();
  /** By the name that a static pod's cgroup has. */
  #byHash: ReadonlyMap<string, readonly Pod[]> = new Map();
  /** A container's id to the UIDs of the pods that list it. */
  #byContainer: ReadonlyMap<string, readonly string[]> = new Map();
  readonly #deleted = new Set<string>();

  get size(): number {
    return this.#pods.size;
  }

  /** Whose cgroup has this name: none, one, or pods that claim to be the same. */
  called(cgroupUid: string): readonly (Pod | UnusablePod)[] {
    const pod = this.#pods.get(cgroupUid);
    return pod === undefined ? (this.#byHash.get(cgroupUid) ?? []) : [pod];
  }

  /** UIDs of the pods that list a container of this id. */
  listing(containerId: string): readonly string[] {
    return this.#byContainer.get(containerId) ?? [];
  }

  /** It was listed, and is known to be gone. */
  isDeleted(cgroupUid: string): boolean {
    return this.#deleted.has(cgroupUid);
  }

  /**
   * Takes the list for what is. `certain`: it comes from the same run of the same server as the last one, so that a pod that is no
   * longer listed was deleted; a kubelet that has just started lists its pods little by little. Returns the names of the cgroups
   * of which something else is to be said now.
   */
  replace(pods: Pods, certain: boolean): readonly string[] {
    const changed: string[] = [];
    for (const [uid, before] of this.#pods) {
      const now = pods.get(uid);
      if (now !== undefined && samePod(before, now)) continue;
      changed.push(...namesOf(before));
      if (now === undefined && certain) for (const name of namesOf(before)) this.#noteDeleted(name);
    }
    for (const pod of pods.values()) for (const name of namesOf(pod)) this.#deleted.delete(name);
    this.#pods = new Map(pods);
    this.#index();
    return changed;
  }

  put(uid: string, pod: ListedPod | undefined): readonly string[] {
    const pods = new Map(this.#pods);
    if (pod === undefined) pods.delete(uid);
    else pods.set(uid, pod);
    return this.replace(pods, true);
  }

  #noteDeleted(name: string): void {
    this.#deleted.add(name);
    // guard: I9 test/attestors/k8s/pod-book.test.ts
    if (this.#deleted.size > MOST_DELETED) this.#deleted.delete(this.#deleted.values().next().value as string);
  }

  #index(): void {
    const byHash = new Map<string, Pod[]>();
    const byContainer = new Map<string, string[]>();
    for (const pod of this.#pods.values()) {
      if (!isUsable(pod)) continue;
      if (pod.configHash !== undefined) push(byHash, pod.configHash, pod);
      for (const id of pod.containers.keys()) push(byContainer, id, pod.uid);
    }
    this.#byHash = byHash;
    this.#byContainer = byContainer;
  }
}

function namesOf(pod: Pod | UnusablePod): readonly string[] {
  return isUsable(pod) && pod.configHash !== undefined && pod.configHash !== pod.uid
    ? [pod.uid, pod.configHash]
    : [pod.uid];
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
