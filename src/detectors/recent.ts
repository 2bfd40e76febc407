// SPDX-License-Identifier: Apache-2.0
/** How often a detector was right about an identity lately. What is remembered has a ceiling (I9). */
import type { Clock } from '../lib/clock.ts';
import type { Detector } from '../store/findings.ts';

/** Pairs of detector and identity; the one that was seen first goes first. */
export const REMEMBERED = 10_000;

export class Recent {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #withinMs: number;
  readonly #times = new Map<string, number[]>();

  constructor(clock: Pick<Clock, 'monotonic'>, withinMs: number) {
    this.#clock = clock;
    this.#withinMs = withinMs;
  }

  /** Pairs that are remembered. */
  get size(): number {
    return this.#times.size;
  }

  /** One more. True where that makes `threshold` of them within the time; then it is counted anew. */
  reaches(detector: Detector, identity: string, threshold: number): boolean {
    if (threshold <= 1) return true;
    const pair = `${detector} ${identity}`;
    const now = this.#clock.monotonic();
    const times = [...(this.#times.get(pair) ?? []).filter((at) => now - at < this.#withinMs), now];
    this.#times.delete(pair);
    if (times.length >= threshold) return true;
    const [oldest] = this.#times.keys();
    // guard: I9 test/detectors/task-watch.test.ts
    if (this.#times.size >= REMEMBERED && oldest !== undefined) this.#times.delete(oldest);
    this.#times.set(pair, times);
    return false;
  }
}
