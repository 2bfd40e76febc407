// SPDX-License-Identifier: Apache-2.0
/**
 * A bounded number of jobs at once, the rest waiting their turn: keys (uids, say) take turns, so that one key's flood
 * delays itself and not the others (I9). How many wait is bounded per key and in all.
 */
import type { Failure } from './failure.ts';

export interface TurnRules {
  readonly atOnce: number;
  /** Of one key; `atOnce` when absent. */
  readonly atOncePerKey?: number;
  readonly waitingPerKey: number;
  readonly waiting: number;
  /** What a caller is told when too many wait; `key` is absent when it is too many in all. */
  readonly full: (limit: number, key?: number) => Failure;
}

type Start = () => void;

export class Turns {
  readonly #rules: TurnRules;
  /** In the order in which the keys get their next turn; an empty queue is not kept. */
  readonly #queues = new Map<number, Set<Start>>();
  readonly #runningByKey = new Map<number, number>();
  #running = 0;
  #waiting = 0;

  constructor(rules: TurnRules) {
    this.#rules = rules;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get running(): number {
    return this.#running;
  }

  /** Rejects with a Failure when too many wait, with the signal's reason when it aborts before the turn comes. */
  async run<T>(key: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#mayStart(key)) this.#count(key, 1);
    else await this.#wait(key, signal);
    try {
      return await work();
    } finally {
      this.#count(key, -1);
      this.#startNext();
    }
  }

  #mayStart(key: number): boolean {
    const { atOnce, atOncePerKey = atOnce } = this.#rules;
    // guard: I9 test/lib/turns.test.ts
    if (this.#running >= atOnce) return false;
    // guard: I9, A11 test/lib/turns.test.ts
    if ((this.#runningByKey.get(key) ?? 0) >= atOncePerKey) return false;
    return true;
  }

  #wait(key: number, signal: AbortSignal): Promise<void> {
    const queue = this.#queues.get(key) ?? new Set();
    const { waitingPerKey, waiting, full } = this.#rules;
    // guard: I9 test/lib/turns.test.ts
    if (queue.size >= waitingPerKey) return Promise.reject(full(waitingPerKey, key));
    // guard: I9 test/lib/turns.test.ts
    if (this.#waiting >= waiting) return Promise.reject(full(waiting));
    return new Promise((resolve, reject) => {
      const start = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#leave(key, start);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#queues.set(key, queue.add(start));
      this.#waiting += 1;
    });
  }

  /** Gives the free place to the first key in line that may start, and sends that key to the end of the line. */
  #startNext(): void {
    for (const [key, queue] of this.#queues) {
      if (!this.#mayStart(key)) continue;
      const [start] = queue;
      if (start === undefined) continue;
      this.#count(key, 1);
      this.#leave(key, start);
      // guard: I9 test/lib/turns.test.ts — the others come first now
      if (this.#queues.delete(key)) this.#queues.set(key, queue);
      start();
      return;
    }
  }

  #leave(key: number, start: Start): void {
    const queue = this.#queues.get(key);
    if (queue?.delete(start) !== true) return;
    this.#waiting -= 1;
    if (queue.size === 0) this.#queues.delete(key);
  }

  #count(key: number, by: 1 | -1): void {
    this.#running += by;
    const running = (this.#runningByKey.get(key) ?? 0) + by;
    if (running === 0) this.#runningByKey.delete(key);
    else this.#runningByKey.set(key, running);
  }
}
