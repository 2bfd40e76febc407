// SPDX-License-Identifier: Apache-2.0
/**
 * Fetches one relationship's bundle again and again: at once, then at the hint's pace. A failure waits for the next turn like
 * any other (FED-21): an endpoint that is down is not hammered, and what is stored stays.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { type Instant, leftMs, type PollRules, pollIntervalMs, withJitter } from './schedule.ts';

export interface PollOutcome {
  readonly result: 'taken' | 'unchanged' | 'ignored';
  /** Why it was ignored. */
  readonly reason: string | undefined;
  readonly hintSeconds: number | null;
}

export interface PollState {
  readonly lastAttemptAt: number | undefined;
  readonly lastSuccessAt: number | undefined;
  readonly nextPollAt: number | undefined;
  /** Of the last attempt, which succeeded. */
  readonly outcome: PollOutcome | undefined;
  /** Of the last attempt, which failed. */
  readonly error: Error | undefined;
  /** In a row. */
  readonly failures: number;
}

export interface PollerOptions {
  /** Fetches, judges and stores. Rejects with why nothing came of it. */
  readonly poll: (signal: AbortSignal) => Promise<PollOutcome>;
  /** Of the bundle that is stored already. */
  readonly hintSeconds: number | null;
  readonly rules: PollRules;
  readonly clock: Clock;
  readonly random: Random;
}

/** Timers stop in suspend; the wall clock is looked at this often. */
const LONGEST_WAIT_MS = 600_000;

export class Poller {
  readonly #options: PollerOptions;
  readonly #closing = new AbortController();
  #hintSeconds: number | null;
  #running: Promise<PollOutcome> | undefined;
  #due: Instant | undefined;
  #timer: Timer | undefined;
  #state: PollState = {
    lastAttemptAt: undefined,
    lastSuccessAt: undefined,
    nextPollAt: undefined,
    outcome: undefined,
    error: undefined,
    failures: 0,
  };

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#hintSeconds = options.hintSeconds;
  }

  get state(): PollState {
    return this.#state;
  }

  /** Now, whatever the schedule says; joins a fetch that is under way. */
  refresh(): Promise<PollOutcome> {
    if (this.#running === undefined) {
      this.#running = this.#run();
      const forget = (): void => {
        this.#running = undefined;
        this.#schedule();
      };
      this.#running.then(forget, forget);
    }
    return this.#running;
  }

  /** The wall clock jumped, as after a suspend: what is due by now is done now. */
  look(): void {
    this.#wait();
  }

  /** Nothing is stored after this returns. Idempotent. */
  close(): void {
    this.#timer?.cancel();
    this.#closing.abort(new Error('the relationship has ended'));
  }

  async #run(): Promise<PollOutcome> {
    this.#timer?.cancel();
    const { clock, poll } = this.#options;
    this.#state = { ...this.#state, lastAttemptAt: clock.now() };
    try {
      const outcome = await poll(this.#closing.signal);
      this.#hintSeconds = outcome.hintSeconds;
      this.#state = { ...this.#state, lastSuccessAt: clock.now(), outcome, error: undefined, failures: 0 };
      return outcome;
    } catch (error) {
      const failures = this.#state.failures + 1;
      this.#state = { ...this.#state, outcome: undefined, error: error as Error, failures };
      throw error;
    }
  }

  #schedule(): void {
    const { clock, random, rules } = this.#options;
    const interval = withJitter(pollIntervalMs(this.#hintSeconds, rules), random.fraction(), rules);
    this.#due = { wall: clock.now() + interval, monotonic: clock.monotonic() + interval };
    this.#state = { ...this.#state, nextPollAt: this.#due.wall };
    this.#wait();
  }

  #wait(): void {
    const { clock } = this.#options;
    if (this.#closing.signal.aborted || this.#running !== undefined || this.#due === undefined) return;
    const left = leftMs(this.#due, { wall: clock.now(), monotonic: clock.monotonic() });
    this.#timer?.cancel();
    this.#timer = clock.after(Math.min(left, LONGEST_WAIT_MS), () => {
      if (left > LONGEST_WAIT_MS) this.#wait();
      // It is in the state.
      else this.refresh().catch(() => undefined);
    });
  }
}
