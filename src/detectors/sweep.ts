// SPDX-License-Identifier: Apache-2.0
/** Once a day: identities that nobody uses, and access that stands for its own sake. What the report lists is a finding here. */
import type { Clock, Timer } from '../lib/clock.ts';
import type { Detector } from '../store/findings.ts';
import type { ReportStore, ReportTerms } from '../store/reports.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Found } from './rules.ts';

export interface SweepRooms {
  readonly reports: Pick<ReportStore, 'one'>;
  readonly terms: () => ReportTerms;
  readonly isOn: (detector: Detector) => boolean;
  readonly report: (found: Found) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** After the start, when callers have come back. */
const FIRST_MS = 600_000;
const PERIOD_MS = 86_400_000;
/** Identities of one metric; the rest is told the next day, and in the report. */
const MOST = 500;

const SWEPT: readonly (readonly [Detector, metric: string])[] = [
  ['unused', 'unused'],
  ['standing', 'legacy'],
  ['standing', 'far-end'],
];

export class DetectorSweep {
  readonly #rooms: SweepRooms;
  #timer: Timer | undefined;
  #sweeping: Promise<void> | undefined;
  #closed = false;

  constructor(rooms: SweepRooms) {
    this.#rooms = rooms;
    this.#wait(FIRST_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#sweeping;
  }

  #wait(ms: number): void {
    if (this.#closed) return;
    this.#timer = this.#rooms.clock.after(ms, () => {
      this.#sweeping = this.#sweep().finally(() => this.#wait(PERIOD_MS));
    });
  }

  async #sweep(): Promise<void> {
    const { reports, terms, isOn, report, log } = this.#rooms;
    try {
      for (const [detector, metric] of SWEPT) {
        if (!isOn(detector) || this.#closed) continue;
        const { offenders } = await reports.one(metric, terms(), MOST);
        for (const identity of offenders) report({ detector, identity, key: { metric }, evidence: { metric } });
      }
    } catch (error) {
      log.warn({ err: error }, 'identities were not swept for those that nobody uses; tried again in a day');
    }
  }
}
