// SPDX-License-Identifier: Apache-2.0
/**
 * A pod as the kubelet or the API server lists it (Kubernetes API, core/v1 Pod), read down to what callers are told apart by. Only
 * what an identity may rest on is kept; annotations are no selectors, as in SPIRE.
 */
import { list, Misshapen, member, text, texts } from './members.ts';
import { containerSelectors, podSelectors, sameSelectors } from './selectors.ts';

export interface Pod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly nodeName: string;
  /** What its cgroup is called where that is not its UID: a static pod as the API server knows it. */
  readonly configHash: string | undefined;
  /** Without `k8s:`. */
  readonly selectors: readonly string[];
  /** Of `selectors`, those that come from the statuses of containers. */
  readonly statusSelectors: readonly string[];
  /** By id, 64 hex digits: containers, init containers and ephemeral ones that have an id. */
  readonly containers: ReadonlyMap<string, Container>;
}

export interface Container {
  readonly name: string;
  readonly selectors: readonly string[];
}

/** It is there, and nothing can be said of it. */
export interface UnusablePod {
  readonly uid: string;
  readonly unusable: string;
}

export interface OwnerReference {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  /** Without the runtime's name before it; undefined while it has none. */
  readonly id: string | undefined;
}

/** What the selectors are made of. */
export interface PodFields {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly nodeName: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly owners: readonly OwnerReference[];
  readonly containers: readonly ContainerStatus[];
  readonly initContainers: readonly ContainerStatus[];
}

/** A caller's selectors are matched one by one (I9); a pod with a thousand labels is not one that somebody runs. */
const MOST_SELECTORS = 1_024;

/** Undefined for what is no pod at all. */
export function parsePod(value: unknown): Pod | UnusablePod | undefined {
  let uid: string | undefined;
  try {
    const metadata = member(value, 'metadata');
    uid = text(metadata, 'uid');
    return uid === '' ? undefined : usablePod(value, metadata, uid);
  } catch (error) {
    if (!(error instanceof Misshapen)) throw error;
    return uid === undefined ? undefined : { uid, unusable: error.message };
  }
}

export function isUsable(pod: Pod | UnusablePod): pod is Pod {
  return !('unusable' in pod);
}

/** Do both say the same of every caller in it? */
export function samePod(a: Pod | UnusablePod, b: Pod | UnusablePod): boolean {
  if (a === b) return true;
  if (!isUsable(a) || !isUsable(b)) return !isUsable(a) && !isUsable(b);
  if (!sameSelectors(a.selectors, b.selectors) || a.containers.size !== b.containers.size) return false;
  return [...a.containers].every(([id, container]) => {
    const other = b.containers.get(id);
    return other !== undefined && sameSelectors(container.selectors, other.selectors);
  });
}

function usablePod(value: unknown, metadata: unknown, uid: string): Pod {
  const spec = member(value, 'spec');
  const status = member(value, 'status');
  const ephemeral = statuses(status, 'ephemeralContainerStatuses');
  const fields: PodFields = {
    uid,
    namespace: text(metadata, 'namespace'),
    name: text(metadata, 'name'),
    serviceAccount: text(spec, 'serviceAccountName'),
    nodeName: text(spec, 'nodeName'),
    labels: texts(metadata, 'labels'),
    owners: list(metadata, 'ownerReferences').map((one) => ({
      kind: text(one, 'kind'),
      name: text(one, 'name'),
      uid: text(one, 'uid'),
    })),
    containers: statuses(status, 'containerStatuses'),
    initContainers: statuses(status, 'initContainerStatuses'),
  };
  const { always, fromStatuses } = podSelectors(fields);
  // guard: I9 test/attestors/k8s/pod.test.ts
  if (always.length + fromStatuses.length > MOST_SELECTORS)
    throw new Misshapen(`it has over ${MOST_SELECTORS} selectors`);
  const { namespace, name, serviceAccount, nodeName } = fields;
  return {
    uid,
    namespace,
    name,
    serviceAccount,
    nodeName,
    configHash: configHashOf(metadata),
    selectors: [...always, ...fromStatuses],
    statusSelectors: fromStatuses,
    containers: byId([...fields.containers, ...fields.initContainers, ...ephemeral]),
  };
}

function byId(containers: readonly ContainerStatus[]): ReadonlyMap<string, Container> {
  const found = new Map<string, Container>();
  for (const status of containers) {
    if (status.id === undefined) continue;
    // guard: A10 test/attestors/k8s/pod.test.ts
    if (found.has(status.id)) throw new Misshapen('two of its containers have one id');
    found.set(status.id, { name: status.name, selectors: containerSelectors(status) });
  }
  return found;
}

/**
 * The kubelet runs a static pod under the hash of its manifest and shows it to the API server as a mirror pod, which has a UID of
 * its own and the hash as annotation (kubelet types `ConfigHashAnnotationKey`, `ConfigMirrorAnnotationKey`).
 */
function configHashOf(metadata: unknown): string | undefined {
  const annotations = texts(metadata, 'annotations');
  const hash = annotations.get('kubernetes.io/config.mirror') ?? annotations.get('kubernetes.io/config.hash');
  return hash !== undefined && STATIC_UID.test(hash) ? hash : undefined;
}

/** Never the shape of a UID that the API server gives: no annotation makes one pod pass for another that it made. */
const STATIC_UID = /^[0-9a-f]{32}$/;

/** `containerd://<64 hex digits>`; what else a runtime may use stands in no cgroup path that is believed. */
const CONTAINER_ID = /^[a-z0-9.+-]+:\/\/([0-9a-f]{64})$/;

function statuses(status: unknown, field: string): ContainerStatus[] {
  return list(status, field).map((one) => ({
    name: text(one, 'name'),
    image: text(one, 'image'),
    imageId: text(one, 'imageID'),
    id: CONTAINER_ID.exec(text(one, 'containerID'))?.[1],
  }));
}
