// SPDX-License-Identifier: Apache-2.0
/**
 * Asks the kubelet for all its pods: never more often than once a second however many callers wait, about every other second while
 * open streams rest on pods, and not at all otherwise.
 */
import type { Clock, Timer } from '../../src/attestation/plugin.ts';
import type { ApiClient } from './api-client.ts';
import type { Feed, FeedListener } from './feed.ts';
import { type List, ListReader } from './list-reader.ts';
import { type ListedPod, PODS } from './pod-list.ts';
import type { Trouble } from './trouble.ts';

/** From the beginning of one request to that of the next. */
const WAITED_FOR_MS = 1_000;
/** So that a change is told within 2 s, the answer and the look included (design: trust is continuous). */
const RESTED_ON_MS = 1_800;
/** A kubelet that restarts is back within seconds. */
const STALE_MS = 10_000;

export interface KubeletFeedOptions {
  readonly client: Pick<ApiClient, 'get' | 'close'>;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

export class KubeletFeed implements Feed {
  readonly #options: KubeletFeedOptions;
  readonly #listener: FeedListener<ListedPod>;
  readonly #reader: ListReader<ListedPod>;
  readonly #abort = new AbortController();
  #waiting = false;
  #resting = false;
  #asking = false;
  #askedAt = -Infinity;
  #asOf = -Infinity;
  #session: number | undefined;
  #toldStale = false;
  #timer: Timer | undefined;

  constructor(options: KubeletFeedOptions, listener: FeedListener<ListedPod>) {
    this.#options = options;
    this.#listener = listener;
    this.#reader = new ListReader(options.clock, PODS);
  }

  get asOf(): number {
    return this.#asOf;
  }

  demand(waiting: boolean, resting: boolean): void {
    if (waiting === this.#waiting && resting === this.#resting) return;
    this.#waiting = waiting;
    this.#resting = resting;
    this.#plan();
  }

  close(): void {
    this.#abort.abort();
    this.#timer?.cancel();
    this.#options.client.close();
  }

  #plan(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#asking || this.#abort.signal.aborted || !(this.#waiting || this.#resting)) return;
    const { clock } = this.#options;
    const pause = this.#waiting ? WAITED_FOR_MS : RESTED_ON_MS;
    const due = this.#askedAt + pause - clock.monotonic();
    // guard: I9 test/attestors/k8s/kubelet-feed.test.ts — the kubelet is not asked as often as somebody connects
    if (due > 0) this.#timer = clock.after(due, () => void this.#ask());
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    const { client, clock, timeoutMs } = this.#options;
    this.#asking = true;
    const askedAt = clock.monotonic();
    this.#askedAt = askedAt;
    try {
      const options = { signal: this.#abort.signal, timeoutMs };
      const { value, session } = await client.get('/pods', options, (body) => this.#reader.read(body));
      this.#heard(value, session, askedAt);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#failed(error as Trouble);
    } finally {
      this.#asking = false;
      this.#plan();
    }
  }

  #heard(list: List<ListedPod>, session: number, askedAt: number): void {
    const certain = session === this.#session;
    this.#session = session;
    this.#asOf = askedAt;
    this.#toldStale = false;
    this.#listener.list(list, certain);
  }

  #failed(trouble: Trouble): void {
    this.#listener.trouble(trouble);
    const silence = this.#options.clock.monotonic() - this.#asOf;
    if (silence < STALE_MS || this.#toldStale) return;
    this.#toldStale = true;
    this.#listener.stale();
  }
}
