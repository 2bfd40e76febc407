// SPDX-License-Identifier: Apache-2.0
/**
 * The one shared view of this node's pods, or of namespaces. A caller that finds in it what it needs, as of two seconds ago or less, is
 * answered at once; any number of others wait together for the next news.
 */
import type { Clock } from '../../src/attestation/plugin.ts';
import type { Feed, FeedListener } from './feed.ts';
import type { List } from './list-reader.ts';
import type { K8sError, Trouble } from './trouble.ts';

/** What was last heard of, found by what callers ask for. */
export interface Book<T> {
  readonly size: number;
  /**
   * Takes the list for what is. `certain`: it comes from the same run of the same server as the last one, so that what is no
   * longer listed was deleted. Returns the grounds of which something else is to be said now.
   */
  replace(items: ReadonlyMap<string, T>, certain: boolean): readonly string[];
  /** The same of one that is this now, or gone. */
  put(key: string, item: T | undefined): readonly string[];
}

export interface SharedIndexOptions<T, B extends Book<T>> {
  /** `pods`, for the log. */
  readonly things: string;
  readonly book: B;
  readonly makeFeed: (listener: FeedListener<T>) => Feed;
  readonly clock: Clock;
  /** How long a caller waits for what it needs to be listed. */
  readonly patienceMs: number;
  readonly warn: (fields: object, message: string) => void;
}

/** What a caller may be told of although it was asked for earlier: a mass reconnect costs one request. */
const GOOD_MS = 2_000;

/** So that those who wait for a kubelet that is down do not take the turns of callers that need none. */
const TROUBLED_PATIENCE_MS = 1_000;

/** `undefined`: there is news. */
type Outcome = Trouble | 'late' | undefined;

export class SharedIndex<T, B extends Book<T>> implements FeedListener<T> {
  readonly #options: SharedIndexOptions<T, B>;
  readonly #feed: Feed;
  readonly #waiters = new Set<(outcome: Outcome) => void>();
  readonly #rested = new Set<string>();
  readonly #listeners = new Set<(ground: string) => void>();
  #trouble: Trouble | undefined;

  constructor(options: SharedIndexOptions<T, B>) {
    this.#options = options;
    this.#feed = options.makeFeed(this);
  }

  /** The last request's; undefined while all is well, and before anybody has asked. */
  get lastTrouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** How many are known; undefined before anybody has asked. */
  get size(): number | undefined {
    return this.#feed.asOf === -Infinity ? undefined : this.#options.book.size;
  }

  /**
   * What `look` finds, as soon as it finds something. Rejects with the Trouble of a request that will fail again, with what
   * `unknown` gives when patience has run out, with the signal's reason. `since`: when its
   * patience began, if it has waited elsewhere before.
   */
  async find<F>(
    look: (book: B) => F | undefined,
    signal: AbortSignal,
    unknown: () => K8sError,
    since = this.#options.clock.monotonic(),
  ): Promise<F> {
    const { book, clock } = this.#options;
    const arrived = clock.monotonic();
    let { patienceMs } = this.#options;
    let trouble = this.#trouble;
    // guard: I9 test/attestors/k8s/shared-index.test.ts
    if (trouble !== undefined) patienceMs = Math.min(patienceMs, TROUBLED_PATIENCE_MS);
    for (;;) {
      const found = this.#feed.asOf >= arrived - GOOD_MS ? look(book) : undefined;
      if (found !== undefined) return found;
      const outcome = await this.#waitForNews(since + patienceMs, signal);
      if (outcome === 'late') throw trouble ?? unknown();
      if (outcome?.passing === false) throw outcome;
      trouble = outcome;
    }
  }

  /** Open streams rest on this one, or none does any more. */
  restedOn(ground: string, resting: boolean): void {
    if (resting) this.#rested.add(ground);
    else this.#rested.delete(ground);
    this.#demand();
  }

  /** Calls back with each ground of which something else is to be said. Returns the undo. */
  onChange(listener: (ground: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#feed.close();
    this.#settle('late');
  }

  list({ items }: List<T>, certain: boolean): void {
    this.#news(this.#options.book.replace(items, certain));
  }

  change(key: string, item: T | undefined): void {
    this.#news(this.#options.book.put(key, item));
  }

  trouble(trouble: Trouble): void {
    const { reason, text, hint } = trouble;
    const { things, warn } = this.#options;
    if (this.#trouble?.reason !== reason) warn({ reason, text, hint, err: trouble }, `no news of ${things}`);
    this.#trouble = trouble;
    this.#settle(trouble);
  }

  /** Who rests on one is looked at anew, and gets nothing new, until they are known again (I8). */
  stale(): void {
    // guard: I8 test/attestors/k8s/shared-index.test.ts
    this.#tell([...this.#rested]);
  }

  #news(changed: readonly string[]): void {
    this.#trouble = undefined;
    this.#tell(changed);
    this.#settle(undefined);
  }

  #tell(grounds: readonly string[]): void {
    for (const ground of grounds) for (const listener of [...this.#listeners]) listener(ground);
  }

  #waitForNews(until: number, signal: AbortSignal): Promise<Outcome> {
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
