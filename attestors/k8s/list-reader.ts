// SPDX-License-Identifier: Apache-2.0
/**
 * Reads a list of pods or namespaces from a stream: one item is parsed at a time, in slices that leave the event loop to others, and
 * one whose bytes are those of the last list is not parsed again. 500 pods are some 5 MB of JSON, and the list is asked for every other
 * second while streams are open.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../src/attestation/plugin.ts';
import { ItemSplitter, NoList, type SplitterRules } from './item-splitter.ts';

export interface ListRules extends SplitterRules {
  readonly listBytes: number;
  readonly items: number;
}

/** What a list is of. */
export interface Listed<T> {
  /** `pods`, for errors. */
  readonly things: string;
  /** `PodList`. */
  readonly listKind: string;
  /** What `keyOf` gives, which no two have in common: `UID`. */
  readonly key: string;
  keyOf(item: T): string;
  /** Undefined for what is nobody's. Throws nothing. */
  parse(value: unknown): T | undefined;
  readonly rules: ListRules;
}

export interface List<T> {
  /** By key. */
  readonly items: ReadonlyMap<string, T>;
  /** The API server's; empty in the kubelet's answer. */
  readonly resourceVersion: string;
}

/** Long enough to be worth the turn of the loop, short beside the 10 ms that a turn may take in all. */
const SLICE_MS = 2;

export class ListTooLarge extends Error {}

export class ListReader<T> {
  readonly #listed: Listed<T>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Digest of an item's bytes to what they say, of the last list. */
  #known: ReadonlyMap<string, T> = new Map();

  constructor(clock: Pick<Clock, 'monotonic'>, listed: Listed<T>) {
    this.#clock = clock;
    this.#listed = listed;
  }

  /** Throws NoList, TooLarge or ListTooLarge, or what the stream throws. One at a time. */
  async read(stream: AsyncIterable<Buffer>): Promise<List<T>> {
    const { rules, things, listKind } = this.#listed;
    const splitter = new ItemSplitter(rules);
    const items = new Map<string, T>();
    const known = new Map<string, T>();
    let bytes = 0;
    let until = this.#clock.monotonic() + SLICE_MS;
    for await (const piece of stream) {
      bytes += piece.length;
      // guard: I9 test/attestors/k8s/list-reader.test.ts
      if (bytes > rules.listBytes) throw new ListTooLarge(`it has over ${rules.listBytes} bytes`);
      for (const item of splitter.feed(piece)) {
        this.#take(item, items, known);
        // guard: I9 test/attestors/k8s/list-reader.test.ts
        if (known.size > rules.items) throw new ListTooLarge(`it has over ${rules.items} ${things}`);
        if (this.#clock.monotonic() < until) continue;
        await new Promise((resolve) => setImmediate(resolve));
        until = this.#clock.monotonic() + SLICE_MS;
      }
    }
    const resourceVersion = versionOf(splitter.end(), listKind);
    this.#known = known;
    return { items, resourceVersion };
  }

  #take(bytes: Buffer, items: Map<string, T>, known: Map<string, T>): void {
    const { things, key, keyOf, parse } = this.#listed;
    // What makes an item count as known must not be for anyone to find a second one for.
    const digest = createHash('sha256').update(bytes).digest('base64');
    const item = this.#known.get(digest) ?? parse(parsed(bytes));
    if (item === undefined) return;
    known.set(digest, item);
    const own = keyOf(item);
    // guard: A10 test/attestors/k8s/list-reader.test.ts — of two that claim a UID neither is believed
    if (items.has(own)) throw new NoList(`two of its ${things} have one ${key}`);
    items.set(own, item);
  }
}

function versionOf(rest: string, listKind: string): string {
  const list = parsed(Buffer.from(rest, 'latin1')) as {
    readonly kind?: unknown;
    readonly items?: unknown;
    readonly metadata?: { readonly resourceVersion?: unknown };
  } | null;
  if (list?.kind !== listKind) throw new NoList(`it is no ${listKind}`);
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
