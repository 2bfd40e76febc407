// SPDX-License-Identifier: Apache-2.0
/** Puts the k8s attestor together; it asks nobody anything before the first caller that is in a pod. */
import type { Attestor, Clock } from '../../src/attestation/plugin.ts';
import { type ApiAccess, ApiClient, type ReadFile } from './api-client.ts';
import { ApiServerFeed } from './api-server-feed.ts';
import type { Feed, FeedListener } from './feed.ts';
import { k8sAttestor } from './k8s-attestor.ts';
import { KubeletFeed } from './kubelet-feed.ts';
import { type ListedNamespace, NAMESPACES } from './namespace.ts';
import { NamespaceBook } from './namespace-book.ts';
import { NamespaceLabels } from './namespace-labels.ts';
import { PodBook } from './pod-book.ts';
import { type ListedPod, PODS } from './pod-list.ts';
import { PodProof } from './proof.ts';
import type { ContainerRuntime } from './runtime.ts';
import { NAMESPACE_LABEL, type OnDemandKind } from './selectors.ts';
import { SharedIndex } from './shared-index.ts';

export type Access = Omit<ApiAccess, 'what' | 'things' | 'right'>;

export interface K8sOptions {
  /** Who is asked: the node's kubelet, or the API server for the pods of this node. */
  readonly source: 'kubelet' | 'api server';
  readonly access: Access;
  /** The API server that tells the labels of namespaces; undefined: they are no selectors, and it is not asked. */
  readonly namespaceAccess: Access | undefined;
  readonly nodeName: string;
  /** The kubelet's cgroup root as the daemon sees it: `/`. */
  readonly cgroupRoot: string;
  readonly containerSelectors: boolean;
  readonly runtime: ContainerRuntime | undefined;
  /** Does an entry name a selector of this kind now? */
  readonly isNamed: (kind: OnDemandKind) => boolean;
  /** What a look at a caller has in all. */
  readonly attestationTimeoutMs: number;
  readonly clock: Clock;
  readonly readFile: ReadFile;
  readonly warn: (fields: object, message: string) => void;
}

/** Of the time that a look has, so that the reason is told and not only that it was late. */
const PATIENCE = 0.8;

export function openK8sAttestor(options: K8sOptions): Attestor {
  const { cgroupRoot, containerSelectors, isNamed, clock, warn } = options;
  const patienceMs = options.attestationTimeoutMs * PATIENCE;
  const makeFeed = (listener: FeedListener<ListedPod>): Feed => feedOf(options, patienceMs, listener);
  return k8sAttestor({
    index: new SharedIndex({ things: PODS.things, book: new PodBook(), makeFeed, clock, patienceMs, warn }),
    namespaceLabels: namespaceLabels(options, patienceMs),
    clock,
    proof: new PodProof(cgroupRoot, options.runtime),
    cgroupRoot,
    containerSelectors,
    isNamed,
  });
}

function feedOf(options: K8sOptions, timeoutMs: number, listener: FeedListener<ListedPod>): Feed {
  const { source, access, nodeName, clock, readFile } = options;
  const words = WORDS[source];
  const client = new ApiClient({ ...access, ...words }, { readFile, clock });
  switch (source) {
    case 'kubelet':
      return new KubeletFeed({ client, clock, timeoutMs }, listener);
    case 'api server':
      return new ApiServerFeed({ client, clock, listed: PODS, path: podsOf(nodeName), timeoutMs }, listener);
  }
}

function namespaceLabels(options: K8sOptions, patienceMs: number): NamespaceLabels | undefined {
  const { namespaceAccess, clock, readFile, warn, isNamed } = options;
  if (namespaceAccess === undefined) return undefined;
  const words = { what: WORDS['api server'].what, things: NAMESPACES.things, right: 'list and watch on namespaces' };
  const client = new ApiClient({ ...namespaceAccess, ...words }, { readFile, clock });
  const feed = { client, clock, listed: NAMESPACES, path: '/api/v1/namespaces', timeoutMs: patienceMs };
  const index = new SharedIndex<ListedNamespace, NamespaceBook>({
    things: NAMESPACES.things,
    book: new NamespaceBook(),
    makeFeed: (listener) => new ApiServerFeed(feed, listener),
    clock,
    patienceMs,
    warn,
  });
  return new NamespaceLabels({ index, isNamed: () => isNamed(NAMESPACE_LABEL), server: client.name, patienceMs });
}

function podsOf(nodeName: string): string {
  return `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${nodeName}`)}`;
}

const WORDS = {
  kubelet: { what: 'the kubelet', things: 'pods', right: 'get on nodes/proxy' },
  'api server': { what: 'the API server', things: 'pods', right: 'list and watch on pods' },
} as const;
