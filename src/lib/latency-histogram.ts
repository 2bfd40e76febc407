// SPDX-License-Identifier: Apache-2.0
/** How long something took, counted into fixed buckets, so that a metric can be drawn from it at any time. */

/** Upper bounds in milliseconds: from a cached look to the longest deadline. */
const BOUNDS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

export interface LatencySnapshot {
  /** Upper bound of each bucket in milliseconds, and how many took no longer: cumulative, as Prometheus counts. */
  readonly buckets: readonly (readonly [boundMs: number, count: number])[];
  readonly count: number;
  readonly sumMs: number;
  /** Of `count`, those that ended in an error or ran out of time. */
  readonly failed: number;
}

export class LatencyHistogram {
  readonly #counts = new Array<number>(BOUNDS_MS.length).fill(0);
  #count = 0;
  #sumMs = 0;
  #failed = 0;

  add(ms: number, failed: boolean): void {
    this.#count += 1;
    this.#sumMs += ms;
    if (failed) this.#failed += 1;
    const at = BOUNDS_MS.findIndex((bound) => ms <= bound);
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  snapshot(): LatencySnapshot {
    let below = 0;
    const buckets = BOUNDS_MS.map((bound, at) => {
      below += this.#counts[at] ?? 0;
      return [bound, below] as const;
    });
    return { buckets, count: this.#count, sumMs: this.#sumMs, failed: this.#failed };
  }
}
