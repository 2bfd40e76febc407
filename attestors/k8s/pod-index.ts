// SPDX-License-Identifier: Apache-2.0
/**
 * The one shared view of this node's pods. A caller whose pod is there, as of two seconds ago or less, is answered at once; any
 * number of others wait together for the next news.
 */
import type { Clock } from '../../src/attestation/plugin.ts';
import { PodBook } from './pod-book.ts';
import type { FeedListener, PodFeed } from './pod-feed.ts';
import type { PodList } from './pod-list.ts';
import type { K8sError, Trouble } from './trouble.ts';

export interface PodIndexOptions {
  readonly makeFeed: (listener: FeedListener) => PodFeed;
  readonly clock: Clock;
  /** How long a caller waits for its pod or its container to be listed. */
  readonly patienceMs: number;
  readonly warn: (fields: object, message: string) => void;
}

/** What a caller may be told of although it was asked for earlier: a mass reconnect costs one request. */
const GOOD_MS = 2_000;

/** So that those who wait for a kubelet that is down do not take the turns of callers that need none. */
const TROUBLED_PATIENCE_MS = 1_000;

/** `undefined`: there is news. */
type Outcome = Trouble | 'late' | undefined;

export class PodIndex implements FeedListener {
  readonly #options: PodIndexOptions;
  readonly #book = new PodBook();
  readonly #feed: PodFeed;
  readonly #waiters = new Set<(outcome: Outcome) => void>();
  readonly #rested = new Set<string>();
  readonly #listeners = new Set<(uid: string) => void>();
  #trouble: Trouble | undefined;

  constructor(options: PodIndexOptions) {
    this.#options = options;
    this.#feed = options.makeFeed(this);
  }

  /** The last request's; undefined while all is well, and before anybody has asked. */
  get lastTrouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** How many pods are known; undefined before anybody has asked. */
  get size(): number | undefined {
    return this.#feed.asOf === -Infinity ? undefined : this.#book.size;
  }

  /**
   * What `look` finds, as soon as it finds something. Rejects with the Trouble of a request that will fail again, with what
   * `unknown` gives when patience has run out, with the signal's reason.
   */
  async find<T>(look: (book: PodBook) => T | undefined, signal: AbortSignal, unknown: () => K8sError): Promise<T> {
    const arrived = this.#options.clock.monotonic();
    let { patienceMs } = this.#options;
    let trouble = this.#trouble;
    // guard: I9 test/attestors/k8s/pod-index.test.ts
    if (trouble !== undefined) patienceMs = Math.min(patienceMs, TROUBLED_PATIENCE_MS);
    for (;;) {
      const found = this.#feed.asOf >= arrived - GOOD_MS ? look(this.#book) : undefined;
      if (found !== undefined) return found;
      const outcome = await this.#news(arrived + patienceMs, signal);
      if (outcome === 'late') throw trouble ?? unknown();
      if (outcome?.passing === false) throw outcome;
      trouble = outcome;
    }
  }

  /** Open streams rest on this pod, or none does any more. */
  restedOn(uid: string, resting: boolean): void {
    if (resting) this.#rested.add(uid);
    else this.#rested.delete(uid);
    this.#demand();
  }

  /** Calls back with each pod of which something else is to be said. Returns the undo. */
  onChange(listener: (uid: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#feed.close();
    this.#settle('late');
  }

  list({ pods }: PodList, certain: boolean): void {
    this.#trouble = undefined;
    this.#tell(this.#book.replace(pods, certain));
    this.#settle(undefined);
  }

  trouble(trouble: Trouble): void {
    const { reason, text, hint } = trouble;
    if (this.#trouble?.reason !== reason) this.#options.warn({ reason, text, hint, err: trouble }, 'no news of pods');
    this.#trouble = trouble;
    this.#settle(trouble);
  }

  /** Who rests on a pod is looked at anew, and gets nothing new, until the pods are known again (I8). */
  stale(): void {
    // guard: I8 test/attestors/k8s/pod-index.test.ts
    this.#tell([...this.#rested]);
  }

  #tell(uids: readonly string[]): void {
    for (const uid of uids) for (const listener of [...this.#listeners]) listener(uid);
  }

  #news(until: number, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const { clock } = this.#options;
      const timer = clock.after(until - clock.monotonic(), () => settle('late'));
      const leave = (): void => {
        this.#waiters.delete(settle);
        timer.cancel();
        signal.removeEventListener('abort', abort);
        this.#demand();
      };
      const settle = (outcome: Outcome): void => {
        leave();
        resolve(outcome);
      };
      const abort = (): void => {
        leave();
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters.add(settle);
      this.#demand();
    });
  }

  #settle(outcome: Outcome): void {
    for (const settle of [...this.#waiters]) settle(outcome);
  }

  #demand(): void {
    this.#feed.demand(this.#waiters.size > 0, this.#rested.size > 0);
  }
}
