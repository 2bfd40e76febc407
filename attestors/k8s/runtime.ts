// SPDX-License-Identifier: Apache-2.0
/** What the container runtime has on record of a container: the second witness beside the cgroup tree (attack A10). */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../src/attestation/plugin.ts';
import { K8sError } from './trouble.ts';

export interface ContainerRecord {
  /** Of its first process, in the daemon's pid namespace. */
  readonly pid: number;
  /** As the kubelet labelled it. */
  readonly podUid: string | undefined;
  readonly name: string | undefined;
}

export interface ContainerRuntime {
  /** Undefined when it runs no such container. Rejects in words for the operator, or with the signal's reason. */
  record(containerId: string, signal: AbortSignal): Promise<ContainerRecord | undefined>;
}

export interface RuntimeTools {
  /** A connection to the runtime, whose listener was proven to be the right one; rejects in words for the operator. */
  readonly connect: (signal: AbortSignal) => Promise<Duplex>;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** A container's record is some 10 KB; its environment and mounts are in it. */
export const MOST_RECORD_BYTES = 4 << 20;

/** Labels that the kubelet gives every container (kubelet `pkg/kubelet/types/labels.go`). */
const POD_UID_LABEL = 'io.kubernetes.pod.uid';
const CONTAINER_NAME_LABEL = 'io.kubernetes.container.name';
/** Of the container that holds a pod's namespaces, with dockershim and cri-dockerd. */
const KIND_LABEL = 'io.kubernetes.docker.type';

export function recordOf(pid: number, labels: ReadonlyMap<string, string>): ContainerRecord {
  const isContainer = labels.get(KIND_LABEL) !== 'podsandbox';
  const name = isContainer ? labels.get(CONTAINER_NAME_LABEL) : undefined;
  return { pid, podUid: labels.get(POD_UID_LABEL), name };
}

export function runtimeFailed(why: string, cause?: unknown): K8sError {
  return new K8sError('RUNTIME_FAILED', `the container runtime ${why}`, 'see attestors.k8s.runtime', cause);
}
