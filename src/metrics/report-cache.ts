// SPDX-License-Identifier: Apache-2.0
/**
 * The report for whoever scrapes: drawn anew once a minute at most, and never more than a twentieth of the time, however
 * often somebody asks. A scrape waits a moment for a new one, and takes the last one where that takes longer.
 */
import type { Clock } from '../lib/clock.ts';
import type { MetricResult } from '../store/reports.ts';

export interface Drawn {
  readonly metrics: readonly MetricResult[];
  /** Milliseconds UTC. */
  readonly at: number;
}

const FRESH_MS = 60_000;
const SHARE = 20;
const WAIT_MS = 2_000;

export class ReportCache {
  readonly #take: () => Promise<readonly MetricResult[]>;
  readonly #clock: Clock;
  #last: Drawn | undefined;
  /** Monotonic. */
  #dueAt = -Infinity;
  #drawing: Promise<void> | undefined;
  failures = 0;

  constructor(take: () => Promise<readonly MetricResult[]>, clock: Clock) {
    this.#take = take;
    this.#clock = clock;
  }

  /** Undefined while there is none yet. */
  async current(): Promise<Drawn | undefined> {
    // guard: I9 test/metrics/report-cache.test.ts
    if (this.#drawing === undefined && this.#clock.monotonic() >= this.#dueAt) this.#drawing = this.#draw();
    if (this.#drawing !== undefined) await this.#orLate(this.#drawing);
    return this.#last;
  }

  async #draw(): Promise<void> {
    const began = this.#clock.monotonic();
    try {
      const metrics = await this.#take();
      this.#last = { metrics, at: this.#clock.now() };
    } catch {
      // The store says why, to whoever asks it for the report.
      this.failures += 1;
    }
    const now = this.#clock.monotonic();
    this.#dueAt = Math.max(began + FRESH_MS, now + (now - began) * (SHARE - 1));
    this.#drawing = undefined;
  }

  async #orLate(drawing: Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(WAIT_MS, resolve);
      void drawing.finally(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}
