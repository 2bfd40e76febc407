// SPDX-License-Identifier: Apache-2.0
/**
 * The detectors: they look at what goes on, and leave findings (docs/governance.md). None of them decides what anybody is
 * given, and nobody waits for one; what is to be made of a finding is done by whoever hears of it (`suspend`).
 */
import type { Clock } from '../lib/clock.ts';
import type { Detector, FindingStore } from '../store/findings.ts';
import type { ReportStore, ReportTerms } from '../store/reports.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Recent } from './recent.ts';
import { FindingReporter } from './reporter.ts';
import { type Found, type Lent, type Replay, replay } from './rules.ts';
import { DetectorSweep } from './sweep.ts';
import type { Asked } from './task-rules.ts';
import { TaskWatch } from './task-watch.ts';
import { type Delivery, DetectorWatch, type WatchRooms } from './watch.ts';

export interface DetectorRooms {
  readonly findings: Pick<FindingStore, 'report' | 'seeBinary'>;
  readonly reports: Pick<ReportStore, 'one'>;
  readonly background: WatchRooms['background'];
  readonly holdersOf: WatchRooms['holdersOf'];
  readonly actions: Readonly<Record<Detector, 'note' | 'require-approval' | 'suspend' | 'off'>>;
  /** How often within `withinMs` one is caught before something is made of it; 1 unless told. */
  readonly thresholds: Readonly<Partial<Record<Detector, number>>>;
  readonly withinMs: number;
  /** What was given in a task under this serial. */
  readonly lent: (serial: string) => Lent | undefined;
  /** Nobody waits for it; never throws. */
  readonly suspend: (identity: string, detector: Detector) => void;
  /** What the report is drawn on now. */
  readonly terms: () => ReportTerms;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Detectors {
  readonly #reporter: FindingReporter;
  readonly #rooms: DetectorRooms;
  readonly #recent: Recent;
  readonly #watch: DetectorWatch;
  readonly #tasks: TaskWatch;
  readonly #sweep: DetectorSweep;
  readonly #isOn: (detector: Detector) => boolean;

  constructor(rooms: DetectorRooms) {
    const { findings, actions } = rooms;
    const isOn = (detector: Detector): boolean => actions[detector] !== 'off';
    const report = (found: Found): void => this.#found(found);
    this.#rooms = rooms;
    this.#recent = new Recent(rooms.clock, rooms.withinMs);
    this.#isOn = isOn;
    this.#reporter = new FindingReporter(rooms);
    this.#watch = new DetectorWatch({ ...rooms, binaries: findings, isOn, report });
    this.#tasks = new TaskWatch({ ...rooms, isOn, report });
    this.#sweep = new DetectorSweep({ ...rooms, isOn, report });
  }

  /** Something was given to a process. Synchronous and cheap; never throws. */
  delivered(delivery: Delivery): void {
    this.#watch.delivered(delivery);
  }

  /** Something that was taken back was presented. */
  replayed(what: Replay): void {
    if (this.#isOn('replay-after-revocation')) this.#found(replay(what, this.#rooms.lent(what.serial)));
  }

  /** Somebody asked for a task. Synchronous and cheap. */
  asked(asked: Asked): void {
    this.#tasks.asked(asked);
  }

  #found(found: Found): void {
    const { detector, identity } = found;
    const { actions, thresholds, suspend } = this.#rooms;
    if (!this.#recent.reaches(detector, identity, thresholds[detector] ?? 1)) return;
    this.#reporter.report(found);
    // guard: I7 test/detectors/task-watch.test.ts
    if (actions[detector] === 'suspend') suspend(identity, detector);
  }

  /** What was counted is written. */
  async close(): Promise<void> {
    await Promise.all([this.#watch.close(), this.#sweep.close()]);
    await this.#reporter.close();
  }
}
