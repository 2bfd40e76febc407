// SPDX-License-Identifier: Apache-2.0
/**
 * Findings on their way into the store: each is written at once the first time and then counted here, and written once a
 * minute at most, so that whoever causes one again and again costs no more than that (I9).
 */
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { FindingRecord, NewFinding } from '../store/findings.ts';
import type { Logger } from '../telemetry/logger.ts';
import { PacedWarnings } from '../telemetry/paced.ts';
import type { Found } from './rules.ts';

/** Between two writes of one finding. */
export const WRITE_MS = 60_000;
/** Findings counted here; the one longest not written goes first. */
const REMEMBERED = 10_000;
/** Who opens findings. */
const BY = 'assay';

export interface ReporterRooms {
  readonly findings: { report(finding: NewFinding, by: string): Promise<FindingRecord> };
  readonly clock: Clock;
  readonly log: Logger;
}

interface Counted {
  readonly found: Found;
  /** Monotonic. */
  writtenAt: number;
  unwritten: number;
  timer: Timer | undefined;
}

export class FindingReporter {
  readonly #rooms: ReporterRooms;
  readonly #paced: PacedWarnings;
  readonly #counted = new Map<string, Counted>();
  readonly #writing = new Set<Promise<void>>();
  #closed = false;

  constructor(rooms: ReporterRooms) {
    this.#rooms = rooms;
    this.#paced = new PacedWarnings(rooms.log, rooms.clock);
  }

  /** Never throws, and never makes anybody wait. */
  report(found: Found): void {
    if (this.#closed) return;
    const name = canonicalJson([found.detector, found.identity, found.key]);
    const known = this.#counted.get(name);
    if (known === undefined) {
      this.#makeRoom();
      this.#counted.set(name, { found, writtenAt: this.#rooms.clock.monotonic(), unwritten: 0, timer: undefined });
      this.#write(name, found, 1);
      return;
    }
    known.unwritten += 1;
    const left = known.writtenAt + WRITE_MS - this.#rooms.clock.monotonic();
    // guard: I9 test/detectors/reporter.test.ts
    known.timer ??= this.#rooms.clock.after(left, () => this.#flush(name, known));
  }

  /** Writes what was counted. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const [name, counted] of this.#counted) this.#flush(name, counted);
    await Promise.all(this.#writing);
  }

  #flush(name: string, counted: Counted): void {
    counted.timer?.cancel();
    counted.timer = undefined;
    const count = counted.unwritten;
    if (count === 0) return;
    counted.unwritten = 0;
    counted.writtenAt = this.#rooms.clock.monotonic();
    this.#write(name, counted.found, count);
  }

  #makeRoom(): void {
    const [oldest] = this.#counted;
    // guard: I9 test/detectors/reporter.test.ts
    if (this.#counted.size < REMEMBERED || oldest === undefined) return;
    this.#flush(...oldest);
    this.#counted.delete(oldest[0]);
  }

  #write(name: string, found: Found, count: number): void {
    const { findings, clock } = this.#rooms;
    const written = findings.report({ ...found, at: clock.now(), count }, BY).then(
      (finding) => this.#tell(finding, count),
      (error: unknown) => {
        // The next time it is seen, it is tried again.
        this.#counted.delete(name);
        const reason = error instanceof Failure ? error.reason : 'UNEXPECTED';
        this.#paced.warn('unwritten', { detector: found.detector, reason, err: error }, 'a finding was not written');
      },
    );
    this.#writing.add(written);
    void written.finally(() => this.#writing.delete(written));
  }

  #tell({ id, detector, identity, count }: FindingRecord, written: number): void {
    if (count === written) this.#paced.warn(detector, { finding: id, detector, identity }, 'a finding was opened');
  }
}
