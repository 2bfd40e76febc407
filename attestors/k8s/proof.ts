// SPDX-License-Identifier: Apache-2.0
/**
 * Is the caller really in the container that its cgroup is called after (attack A10)? Root made every folder down to it, at the place
 * where the kubelet has its pods; and where a runtime is configured, that runtime's record of the container names the same
 * pod, and its first process is in that very cgroup. docs/decisions/0009-what-proves-a-pod.md says why.
 */

import type { ProcessHandle } from '../../src/attestation/plugin.ts';
import { isWhereKubeletsPodsAre, type PodPlace } from './pod-place.ts';
import type { ContainerRecord, ContainerRuntime } from './runtime.ts';
import { K8sError } from './trouble.ts';

export type Proof =
  | { readonly proven: true; readonly record: ContainerRecord | undefined }
  /** Somebody else than root called a cgroup after a pod. */
  | { readonly proven: false; readonly reason: string };

/** Records are asked for once a container; `withinCgroupOf` looks at what they say each time. */
const MOST_RECORDS = 4_096;

export class PodProof {
  readonly #cgroupRoot: string;
  readonly #runtime: ContainerRuntime | undefined;
  readonly #records = new Map<string, ContainerRecord>();

  constructor(cgroupRoot: string, runtime: ContainerRuntime | undefined) {
    this.#cgroupRoot = cgroupRoot;
    this.#runtime = runtime;
  }

  /** Rejects where it cannot be told. */
  async prove(process: ProcessHandle, place: PodPlace, signal: AbortSignal): Promise<Proof> {
    const made = await process.withinRootOwnedCgroup((path) => place.paths.has(path));
    if (!made.within && made.unverifiable === true) throw unproven(made.reason);
    // guard: A10 test/attestors/k8s/proof.test.ts — whoever owns a folder may call those below it as they like
    if (!made.within) return { proven: false, reason: `its cgroup is called after a pod, but ${made.reason}` };
    if (this.#runtime !== undefined)
      return { proven: true, record: await this.#recorded(process, place, this.#runtime, signal) };
    // guard: A10 test/attestors/k8s/proof.test.ts — root within a container may make folders below its own
    if (!isWhereKubeletsPodsAre(place, this.#cgroupRoot)) throw elsewhere(place, this.#cgroupRoot);
    return { proven: true, record: undefined };
  }

  async #recorded(
    process: ProcessHandle,
    place: PodPlace,
    runtime: ContainerRuntime,
    signal: AbortSignal,
  ): Promise<ContainerRecord> {
    const known = this.#records.get(place.containerId);
    if (known !== undefined && (await this.#disagreement(process, place, known)) === undefined) return known;
    this.#records.delete(place.containerId);
    const record = await runtime.record(place.containerId, signal);
    if (record === undefined) throw unproven(`the container runtime runs no container ${place.containerId}`);
    const disagreement = await this.#disagreement(process, place, record);
    // guard: A10 test/attestors/k8s/proof.test.ts — pod, container and the runtime's record agree
    if (disagreement !== undefined) throw unproven(disagreement);
    this.#records.set(place.containerId, record);
    // guard: I9 test/attestors/k8s/proof.test.ts
    if (this.#records.size > MOST_RECORDS) this.#records.delete(this.#records.keys().next().value as string);
    return record;
  }

  async #disagreement(process: ProcessHandle, place: PodPlace, record: ContainerRecord): Promise<string | undefined> {
    if (record.podUid !== place.uid)
      return `the container runtime has container ${place.containerId} in another pod, or in none`;
    const relation = await process.withinCgroupOf(record.pid, (path) => place.paths.has(path));
    return relation.within ? undefined : relation.reason;
  }
}

function unproven(reason: string): K8sError {
  const hint = 'run the daemon in the cgroup and pid namespaces of the node';
  return new K8sError('POD_UNPROVEN', `which pod the caller is in cannot be proven: ${reason}`, hint);
}

function elsewhere({ paths }: PodPlace, root: string): K8sError {
  const hint = `the kubelet's cgroupRoot is taken to be ${root}: set attestors.k8s.cgroup_root, or name the container runtime`;
  return new K8sError(
    'POD_UNPROVEN',
    `${[...paths].join(' or ')} is called after a pod, but is not where the kubelet's pods are`,
    hint,
  );
}
