// SPDX-License-Identifier: Apache-2.0
/**
 * Reads a PodList from a stream: one pod is parsed at a time, in slices that leave the event loop to others, and a pod whose
 * bytes are those of the last list is not parsed again. 500 pods are some 5 MB of JSON, and the list is asked for every other
 * second while streams are open.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../src/attestation/plugin.ts';
import { ItemSplitter, NoList, type SplitterRules } from './item-splitter.ts';
import { type Pod, parsePod, type UnusablePod } from './pod.ts';

/** By UID. */
export type Pods = ReadonlyMap<string, Pod | UnusablePod>;

export interface PodList {
  readonly pods: Pods;
  /** The API server's; empty in the kubelet's answer. */
  readonly resourceVersion: string;
}

export interface ListRules extends SplitterRules {
  readonly listBytes: number;
  readonly pods: number;
}

/** etcd takes objects up to 1.5 MiB, and a kubelet runs up to some hundred pods (Kubernetes docs, "Considerations for large clusters"). */
export const LIST_RULES: ListRules = {
  itemBytes: 2 << 20,
  restBytes: 64 << 10,
  listBytes: 128 << 20,
  pods: 4_096,
};

/** Long enough to be worth the turn of the loop, short beside the 10 ms that a turn may take in all. */
const SLICE_MS = 2;

export class ListTooLarge extends Error {}

export class PodListReader {
  readonly #rules: ListRules;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Digest of a pod's bytes to what they say, of the last list. */
  #known: ReadonlyMap<string, Pod | UnusablePod> = new Map();

  constructor(clock: Pick<Clock, 'monotonic'>, rules: ListRules = LIST_RULES) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /** Throws NoList, TooLarge or ListTooLarge, or what the stream throws. One at a time. */
  async read(stream: AsyncIterable<Buffer>): Promise<PodList> {
    const splitter = new ItemSplitter(this.#rules);
    const pods = new Map<string, Pod | UnusablePod>();
    const known = new Map<string, Pod | UnusablePod>();
    let bytes = 0;
    let until = this.#clock.monotonic() + SLICE_MS;
    for await (const piece of stream) {
      bytes += piece.length;
      // guard: I9 test/attestors/k8s/pod-list.test.ts
      if (bytes > this.#rules.listBytes) throw new ListTooLarge(`it has over ${this.#rules.listBytes} bytes`);
      for (const item of splitter.feed(piece)) {
        this.#take(item, pods, known);
        // guard: I9 test/attestors/k8s/pod-list.test.ts
        if (known.size > this.#rules.pods) throw new ListTooLarge(`it has over ${this.#rules.pods} pods`);
        if (this.#clock.monotonic() < until) continue;
        await new Promise((resolve) => setImmediate(resolve));
        until = this.#clock.monotonic() + SLICE_MS;
      }
    }
    const resourceVersion = versionOf(splitter.end());
    this.#known = known;
    return { pods, resourceVersion };
  }

  #take(item: Buffer, pods: Map<string, Pod | UnusablePod>, known: Map<string, Pod | UnusablePod>): void {
    // What makes a pod count as known must not be for anyone to find a second one for.
    const digest = createHash('sha256').update(item).digest('base64');
    const pod = this.#known.get(digest) ?? parsePod(parsed(item));
    // A pod without a UID is nobody's: no cgroup is called after it.
    if (pod === undefined) return;
    known.set(digest, pod);
    // guard: A10 test/attestors/k8s/pod-list.test.ts — of two that claim a UID neither is believed
    if (pods.has(pod.uid)) throw new NoList('two of its pods have one UID');
    pods.set(pod.uid, pod);
  }
}

function versionOf(rest: string): string {
  const list = parsed(Buffer.from(rest, 'latin1')) as {
    readonly kind?: unknown;
    readonly items?: unknown;
    readonly metadata?: { readonly resourceVersion?: unknown };
  } | null;
  if (list?.kind !== 'PodList') throw new NoList('it is no PodList');
  if (list.items !== null && !Array.isArray(list.items)) throw new NoList('it has no items');
  const version = list.metadata?.resourceVersion;
  return typeof version === 'string' ? version : '';
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // The parser's own message quotes what it read, which may be a secret.
    throw new NoList('it is no JSON');
  }
}
