// SPDX-License-Identifier: Apache-2.0
/** A namespace as the API server lists it (Kubernetes API, core/v1 Namespace), read down to its labels. */
import type { Listed } from './list-reader.ts';
import { Misshapen, member, text, texts } from './members.ts';
import { namespaceSelectors, sameSelectors } from './selectors.ts';

export interface Namespace {
  readonly name: string;
  /** Without `k8s:`. */
  readonly selectors: readonly string[];
}

/** It is there, and nothing can be said of it. */
export interface UnusableNamespace {
  readonly name: string;
  readonly unusable: string;
}

export type ListedNamespace = Namespace | UnusableNamespace;

/** A caller's selectors are matched one by one, and all namespaces of the cluster are kept (I9). */
const MOST_LABELS = 128;
const MOST_LABEL_BYTES = 8 << 10;

/**
 * What the API server lets through (Kubernetes docs, "Labels and Selectors", syntax; apimachinery `pkg/util/validation`, IsQualifiedName
 * and IsValidLabelValue). Neither part can hold a colon, so that no key and value read as another key with another value.
 */
const LABEL_KEY =
  /^(?:(?=[^/]{1,253}\/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Undefined for what has no name. */
export function parseNamespace(value: unknown): ListedNamespace | undefined {
  let name = '';
  try {
    const metadata = member(value, 'metadata');
    name = text(metadata, 'name');
    return name === '' ? undefined : { name, selectors: namespaceSelectors(labelsOf(metadata)) };
  } catch (error) {
    if (!(error instanceof Misshapen)) throw error;
    return name === '' ? undefined : { name, unusable: error.message };
  }
}

export function isUsableNamespace(namespace: ListedNamespace): namespace is Namespace {
  return !('unusable' in namespace);
}

/** Do both say the same of every pod in it? */
export function sameNamespace(a: ListedNamespace, b: ListedNamespace): boolean {
  if (a === b) return true;
  if (!isUsableNamespace(a) || !isUsableNamespace(b)) return !isUsableNamespace(a) && !isUsableNamespace(b);
  return sameSelectors(a.selectors, b.selectors);
}

function labelsOf(metadata: unknown): ReadonlyMap<string, string> {
  const labels = texts(metadata, 'labels');
  let bytes = 0;
  for (const [key, value] of labels) {
    // guard: A10 test/attestors/k8s/namespace.test.ts
    if (!LABEL_KEY.test(key) || !LABEL_VALUE.test(value)) throw new Misshapen('a label of it is none of Kubernetes');
    bytes += key.length + value.length;
  }
  // guard: I9 test/attestors/k8s/namespace.test.ts
  if (labels.size > MOST_LABELS) throw new Misshapen(`it has over ${MOST_LABELS} labels`);
  // guard: I9 test/attestors/k8s/namespace.test.ts
  if (bytes > MOST_LABEL_BYTES) throw new Misshapen(`its labels have over ${MOST_LABEL_BYTES} bytes`);
  return labels;
}

export const NAMESPACES: Listed<ListedNamespace> = {
  things: 'namespaces',
  listKind: 'NamespaceList',
  key: 'name',
  keyOf: ({ name }) => name,
  parse: parseNamespace,
  /** A cluster has 10,000 at most (Kubernetes docs, "Kubernetes Scalability thresholds"); etcd takes objects up to 1.5 MiB. */
  rules: { itemBytes: 2 << 20, restBytes: 64 << 10, listBytes: 128 << 20, items: 16_384 },
};
