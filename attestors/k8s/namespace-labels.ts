// SPDX-License-Identifier: Apache-2.0
/**
 * The labels of the namespaces that callers' pods are in. The kubelet does not know them, so the API server is watched: only once a
 * caller is looked at while an entry names such a label, or an operator wants to see all there is. While one does, a caller whose
 * namespace is not known fails: never a lesser identity (design decision 7).
 */
import type { LeftOut } from '../../src/attestation/plugin.ts';
import { isUsableNamespace, type ListedNamespace } from './namespace.ts';
import type { NamespaceBook } from './namespace-book.ts';
import { NAMESPACE_LABEL } from './selectors.ts';
import type { SharedIndex } from './shared-index.ts';
import { K8sError, type Trouble, timeoutTrouble } from './trouble.ts';

export interface NamespaceLabelsOptions {
  readonly index: SharedIndex<ListedNamespace, NamespaceBook>;
  /** Does an entry name such a label now? */
  readonly isNamed: () => boolean;
  /** `the API server at 10.0.0.1:443`, for errors. */
  readonly server: string;
  readonly patienceMs: number;
}

/** What one look finds. */
export interface LabelsFound {
  readonly selectors: readonly string[];
  readonly restsOn: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** Of the grounds, those that are namespaces; a pod's UID holds no colon. */
const GROUND = 'namespace:';

export class NamespaceLabels {
  readonly #options: NamespaceLabelsOptions;

  constructor(options: NamespaceLabelsOptions) {
    this.#options = options;
  }

  /** What keeps callers from being looked at now. */
  get trouble(): Trouble | undefined {
    return this.#options.isNamed() ? this.#options.index.lastTrouble : undefined;
  }

  /**
   * Begins a look that began at `arrived`. What it gives tells of one pod, as the pod's namespace is known: it is called later, and
   * meanwhile the API server answers. Rejects as `SharedIndex.find` does, and the function with K8sError.
   */
  async begin(
    signal: AbortSignal,
    arrived: number,
    everything: boolean,
  ): Promise<(pod: { readonly uid: string; readonly namespace: string }) => Promise<LabelsFound>> {
    const { index, isNamed } = this.#options;
    if (!isNamed() && !everything) return async () => without('no entry names this kind');
    // Whoever only wants to see what there is sees the rest.
    const unlessNamed = (error: unknown): LabelsFound => {
      // guard: I1 test/attestors/k8s/namespace-labels.test.ts
      if (isNamed() || !(error instanceof K8sError)) throw error;
      return without(error.text);
    };
    await index
      .find(
        () => true,
        signal,
        () => this.#late(),
        arrived,
      )
      .catch(unlessNamed);
    return ({ uid, namespace }) => this.#labels(uid, namespace, signal, arrived).catch(unlessNamed);
  }

  /** Calls back with each ground of which something else is to be said. Returns the undo. */
  onChange(listener: (ground: string) => void): () => void {
    return this.#options.index.onChange((name) => listener(GROUND + name));
  }

  /** False: not one of ours. */
  restedOn(ground: string, resting: boolean): boolean {
    if (!ground.startsWith(GROUND)) return false;
    this.#options.index.restedOn(ground.slice(GROUND.length), resting);
    return true;
  }

  close(): void {
    this.#options.index.close();
  }

  async #labels(uid: string, name: string, signal: AbortSignal, arrived: number): Promise<LabelsFound> {
    const { index } = this.#options;
    const found = await index.find(
      (book) => book.called(name),
      signal,
      () => unknown(uid),
      arrived,
    );
    // guard: I1 test/attestors/k8s/namespace-labels.test.ts
    if (!isUsableNamespace(found)) throw unusable(uid, found.unusable);
    return { selectors: found.selectors, restsOn: [GROUND + name], leftOut: [] };
  }

  #late(): Trouble {
    return timeoutTrouble(this.#options.server, this.#options.patienceMs);
  }
}

/** Where the attestor is told to read none. */
export const NO_LABELS: LabelsFound = { selectors: [], restsOn: [], leftOut: [] };

function without(reason: string): LabelsFound {
  return { ...NO_LABELS, leftOut: [{ kind: NAMESPACE_LABEL, reason, onDemand: true }] };
}

function unknown(uid: string): K8sError {
  const text = `the API server lists no namespace that pod ${uid} could be in`;
  return new K8sError('NAMESPACE_UNKNOWN', text, 'is attestors.k8s asking the API server of this cluster?');
}

function unusable(uid: string, why: string): K8sError {
  const text = `nothing can be said of the namespace of pod ${uid}: ${why}`;
  return new K8sError('NAMESPACE_UNUSABLE', text, 'look at its labels');
}
