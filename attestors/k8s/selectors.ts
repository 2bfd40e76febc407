// SPDX-License-Identifier: Apache-2.0
/**
 * Selectors in SPIRE's spelling (doc/plugin_agent_workloadattestor_k8s.md), so that entries move over unchanged. All of it is what
 * the API server has on record of the pod (strength *authority*); who may create pods in a namespace chooses most of it.
 */
import type { Strength } from '../../src/attestation/plugin.ts';
import type { ContainerStatus, PodFields } from './pod.ts';

/** Those that come from the statuses of containers, and so are not there before the kubelet has reported them. */
export const STATUS_KINDS = [
  'pod-image',
  'pod-init-image',
  'pod-image-count',
  'pod-init-image-count',
  'container-name',
  'container-image',
] as const;

export type StatusKind = (typeof STATUS_KINDS)[number];

/** From the labels of the pod's namespace, which the API server alone tells: where that is switched on, and an entry names one. */
export const NAMESPACE_LABEL = 'ns-label';

export type OnDemandKind = StatusKind | typeof NAMESPACE_LABEL;

export const ON_DEMAND_KINDS = [...STATUS_KINDS, NAMESPACE_LABEL] as const satisfies readonly OnDemandKind[];

export const CONTAINER_KINDS = ['container-name', 'container-image'] as const satisfies readonly StatusKind[];

const ALWAYS = [
  'sa',
  'ns',
  'node-name',
  'pod-uid',
  'pod-name',
  'pod-label',
  'pod-owner',
  'pod-owner-uid',
  ...STATUS_KINDS,
];

/** Those that are given: what is switched off is no kind of ours, so that an entry that names it is told so. */
export function kinds(namespaceLabels: boolean): ReadonlyMap<string, Strength> {
  return new Map([...ALWAYS, ...(namespaceLabels ? [NAMESPACE_LABEL] : [])].map((kind) => [kind, 'authority']));
}

/** Sorted, so that two looks at the same pod compare. */
export function podSelectors(pod: PodFields): { readonly always: string[]; readonly fromStatuses: string[] } {
  const always = [
    ...named('sa', pod.serviceAccount),
    ...named('ns', pod.namespace),
    ...named('node-name', pod.nodeName),
    ...named('pod-uid', pod.uid),
    ...named('pod-name', pod.name),
    ...[...pod.labels].map(([key, value]) => `pod-label:${key}:${value}`),
    ...pod.owners.flatMap(({ kind, name, uid }) => [`pod-owner:${kind}:${name}`, `pod-owner-uid:${kind}:${uid}`]),
  ];
  const fromStatuses = [
    `pod-image-count:${pod.containers.length}`,
    `pod-init-image-count:${pod.initContainers.length}`,
    ...images('pod-image', pod.containers),
    ...images('pod-init-image', pod.initContainers),
  ];
  return { always: distinct(always), fromStatuses: distinct(fromStatuses) };
}

export function containerSelectors(status: ContainerStatus): string[] {
  return distinct([...named('container-name', status.name), ...images('container-image', [status])]);
}

export function namespaceSelectors(labels: ReadonlyMap<string, string>): string[] {
  return distinct([...labels].map(([key, value]) => `${NAMESPACE_LABEL}:${key}:${value}`));
}

/** Of two that are sorted. */
export function sameSelectors(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at]);
}

/** The reference that it was started by and the one with the digest; the second is missing while the image is pulled. */
function images(kind: string, statuses: readonly ContainerStatus[]): string[] {
  return statuses.flatMap(({ image, imageId }) => [...named(kind, image), ...named(kind, imageId)]);
}

function named(kind: string, value: string): string[] {
  return value === '' ? [] : [`${kind}:${value}`];
}

function distinct(selectors: readonly string[]): string[] {
  return [...new Set(selectors)].sort();
}
