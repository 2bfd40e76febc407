// SPDX-License-Identifier: Apache-2.0
/**
 * Does what a schedule says, when it says so: runs `step` until nothing is due, then waits for the next instant.
 *
 * - One step at a time; `exclusively` lets an operator's step into the same queue.
 * - Instants are wall-clock times and timers are not (they stop in suspend, and the wall clock may be set), so no wait is
 *   longer than ten minutes, and `poke` looks again at once.
 * - A failed step is tried again after 1 s, doubling up to 1 min. It never throws out of here.
 */
import type { Clock, Timer } from '../lib/clock.ts';

const LONGEST_WAIT_MS = 10 * 60_000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

export interface Trouble {
  readonly failures: number;
  readonly since: number;
  readonly error: unknown;
}

export interface SchedulerOptions {
  readonly clock: Clock;
  /** Does the most urgent step that is due. False when none was. */
  readonly step: () => Promise<boolean>;
  /** The next instant at which a step will be due; undefined when none is foreseen. */
  readonly nextAt: () => number | undefined;
  readonly onTrouble: (trouble: Trouble, retryInMs: number) => void;
  readonly onRecovered: () => void;
}

export class Scheduler {
  readonly #opts: SchedulerOptions;
  #tail: Promise<unknown> = Promise.resolve();
  #timer: Timer | undefined;
  #trouble: Trouble | undefined;
  #closed = false;

  constructor(opts: SchedulerOptions) {
    this.#opts = opts;
  }

  /** The failures since the last step that went well. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Looks now, whatever the timer says. Resolves when nothing more is due or a step has failed. */
  poke(): Promise<void> {
    return this.exclusively(() => this.#run());
  }

  /** Runs `work` when no step is running, and lets none start meanwhile. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** Stops; a step under way is waited for. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#tail;
  }

  async #run(): Promise<void> {
    this.#timer?.cancel();
    try {
      while (!this.#closed && (await this.#opts.step()));
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (this.#trouble !== undefined) {
      this.#trouble = undefined;
      this.#opts.onRecovered();
    }
    const at = this.#opts.nextAt();
    this.#wait(Math.min(LONGEST_WAIT_MS, Math.max(0, (at ?? Number.POSITIVE_INFINITY) - this.#opts.clock.now())));
  }

  #failed(error: unknown): void {
    const failures = (this.#trouble?.failures ?? 0) + 1;
    this.#trouble = { failures, since: this.#trouble?.since ?? this.#opts.clock.now(), error };
    const retryInMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16));
    this.#opts.onTrouble(this.#trouble, retryInMs);
    this.#wait(retryInMs);
  }

  #wait(delayMs: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#opts.clock.after(delayMs, () => void this.poke());
  }
}
