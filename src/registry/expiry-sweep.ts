// SPDX-License-Identifier: Apache-2.0
/**
 * Writes down, on time, that an identity has expired: suspended, for the reason `expired` (design decision 13). Matching
 * does not wait for it; it compares with the clock itself.
 */
import type { Clock, Timer } from '../lib/clock.ts';

/** The wall clock may jump while a timer counts monotonic time, so long waits look at it this often. */
const LONGEST_WAIT_MS = 60_000;
/** A look goes over all identities, so two are at least this far apart; what expires in between is not granted anyway. */
const SHORTEST_WAIT_MS = 1_000;
/** After a failed write. */
const RETRY_MS = 5_000;

export class ExpirySweep {
  readonly #clock: Clock;
  readonly #suspendExpired: (now: number) => Promise<number | undefined>;
  #next: number | undefined;
  #timer: Timer | undefined;
  #running = false;
  #notBefore = 0;
  #closed = false;

  /** `suspendExpired` suspends what has expired and answers when the next identity will. */
  constructor(clock: Clock, suspendExpired: (now: number) => Promise<number | undefined>) {
    this.#clock = clock;
    this.#suspendExpired = suspendExpired;
  }

  /** Something expires at `at`, unless undefined. */
  expects(at: number | undefined): void {
    if (at === undefined || (this.#next !== undefined && this.#next <= at)) return;
    this.#next = at;
    if (!this.#running) this.#wait();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #wait(atLeastMs = 0): void {
    this.#timer?.cancel();
    if (this.#closed || this.#next === undefined) return;
    const left = Math.max(atLeastMs, this.#notBefore - this.#clock.monotonic(), this.#next - this.#clock.now());
    this.#timer = this.#clock.after(Math.min(left, LONGEST_WAIT_MS), () => void this.#look());
  }

  async #look(): Promise<void> {
    const now = this.#clock.now();
    if (this.#next === undefined || now < this.#next) return this.#wait();
    this.#running = true;
    this.#notBefore = this.#clock.monotonic() + SHORTEST_WAIT_MS;
    let retry: number | undefined;
    try {
      this.#next = undefined;
      const next = await this.#suspendExpired(now);
      if (next !== undefined) this.expects(next);
    } catch {
      // The store tells of its own trouble (onTrouble); meanwhile nothing expired is granted.
      this.#next = now;
      retry = RETRY_MS;
    }
    this.#running = false;
    this.#wait(retry);
  }
}
