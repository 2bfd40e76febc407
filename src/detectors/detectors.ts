// SPDX-License-Identifier: Apache-2.0
/**
 * The detectors: they look at what goes on, and leave findings (docs/governance.md). None of them decides what anybody is
 * given, and nobody waits for one.
 */
import type { Clock } from '../lib/clock.ts';
import type { Detector, FindingStore } from '../store/findings.ts';
import type { ReportStore, ReportTerms } from '../store/reports.ts';
import type { Logger } from '../telemetry/logger.ts';
import { FindingReporter } from './reporter.ts';
import { type Found, type Replay, replay } from './rules.ts';
import { DetectorSweep } from './sweep.ts';
import { type Delivery, DetectorWatch, type WatchRooms } from './watch.ts';

export interface DetectorRooms {
  readonly findings: Pick<FindingStore, 'report' | 'seeBinary'>;
  readonly reports: Pick<ReportStore, 'one'>;
  readonly background: WatchRooms['background'];
  readonly holdersOf: WatchRooms['holdersOf'];
  readonly actions: Readonly<Record<Detector, 'note' | 'off'>>;
  /** What the report is drawn on now. */
  readonly terms: () => ReportTerms;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Detectors {
  readonly #reporter: FindingReporter;
  readonly #watch: DetectorWatch;
  readonly #sweep: DetectorSweep;
  readonly #isOn: (detector: Detector) => boolean;

  constructor(rooms: DetectorRooms) {
    const { findings, actions } = rooms;
    const isOn = (detector: Detector): boolean => actions[detector] !== 'off';
    const report = (found: Found): void => this.#reporter.report(found);
    this.#isOn = isOn;
    this.#reporter = new FindingReporter(rooms);
    this.#watch = new DetectorWatch({ ...rooms, binaries: findings, isOn, report });
    this.#sweep = new DetectorSweep({ ...rooms, isOn, report });
  }

  /** Something was given to a process. Synchronous and cheap; never throws. */
  delivered(delivery: Delivery): void {
    this.#watch.delivered(delivery);
  }

  /** Something that was taken back was presented. */
  replayed(what: Replay): void {
    if (this.#isOn('replay-after-revocation')) this.#reporter.report(replay(what));
  }

  /** What was counted is written. */
  async close(): Promise<void> {
    await Promise.all([this.#watch.close(), this.#sweep.close()]);
    await this.#reporter.close();
  }
}
