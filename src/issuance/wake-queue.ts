// SPDX-License-Identifier: Apache-2.0
/**
 * Runs many small jobs without stalling the event loop: jobs queue up, a slice of at most `sliceMs` runs per turn.
 * A change to the bundle wakes every open stream; ten thousand of them must not hold up the next caller.
 */
import type { Clock } from '../lib/clock.ts';

/** Pushes go in slices of 1 ms (docs/architecture.md, "One change, many streams"). */
const SLICE_MS = 1;

export class WakeQueue {
  readonly #clock: Clock;
  readonly #jobs: (() => void)[] = [];
  #next = 0;
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get length(): number {
    return this.#jobs.length - this.#next;
  }

  push(job: () => void): void {
    this.#jobs.push(job);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#slice());
  }

  #slice(): void {
    const until = this.#clock.monotonic() + SLICE_MS;
    do {
      const job = this.#jobs[this.#next];
      if (job === undefined) break;
      this.#next += 1;
      job();
    } while (this.#clock.monotonic() < until);
    if (this.#next >= this.#jobs.length) {
      this.#jobs.length = 0;
      this.#next = 0;
      this.#scheduled = false;
      return;
    }
    if (this.#next > 4096) {
      this.#jobs.splice(0, this.#next);
      this.#next = 0;
    }
    setImmediate(() => this.#slice());
  }
}
