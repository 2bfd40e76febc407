// SPDX-License-Identifier: Apache-2.0
/** The daemon's side of the sweep: keeps the sweep process running, and finds out who holds it up. */

import type { Logger } from '../telemetry/logger.ts';
import { HelperProcess, waitsInKernel } from './helper-process.ts';
import type { TrackedProcess } from './process.ts';
import type { SweepOrder, SweepReport, SweepRow } from './sweep-messages.ts';

const CHECK_MS = 400;
/** Held up for this long by one look is held up on purpose. */
const PATIENCE_MS = 1_000;
/** Silent for this long for whatever reason: replaced. */
const LONGEST_SILENCE_MS = 15_000;
const RESTART_MS = 100;

interface Followed {
  readonly process: TrackedProcess;
  /** Its image too, because nothing else tells of an exec. */
  readonly image: boolean;
}

export class Sweeper {
  readonly #log: Logger;
  readonly #rows = new Map<number, Followed>();
  readonly #careful = new Set<number>();
  #helper: HelperProcess | undefined;
  #looking: readonly number[] = [];
  #heardAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Idempotent. */
  start(): void {
    if (this.#closed || this.#helper !== undefined) return;
    const file = new URL(`./sweep-helper${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
    const helper = new HelperProcess(
      file,
      (report) => this.#heard(report as SweepReport),
      () => this.#lost(helper),
    );
    this.#helper = helper;
    this.#looking = [];
    this.#heardAt = performance.now();
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref();
    for (const followed of this.#rows.values()) this.#tell(followed);
  }

  /** Looks at its cgroup once somebody has asked for it, and at its image where `image` says so. Called again on a change. */
  follow(process: TrackedProcess, image: boolean): void {
    const followed = { process, image };
    if (rowOf(followed, false) === undefined) {
      this.remove(process);
      return;
    }
    this.start();
    this.#rows.set(process.serial, followed);
    this.#tell(followed);
  }

  remove(process: TrackedProcess): void {
    if (!this.#rows.delete(process.serial)) return;
    this.#careful.delete(process.serial);
    this.#order({ kind: 'remove', serial: process.serial });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    const helper = this.#helper;
    this.#helper = undefined;
    helper?.kill();
    await helper?.gone();
  }

  #tell(followed: Followed): void {
    const row = rowOf(followed, this.#careful.has(followed.process.serial));
    if (row !== undefined) this.#order({ kind: 'add', row });
  }

  #order(order: SweepOrder): void {
    this.#helper?.send(order);
  }

  #heard(report: SweepReport): void {
    this.#heardAt = performance.now();
    switch (report.kind) {
      case 'looking':
        this.#looking = report.serials;
        break;
      case 'swept':
        this.#looking = [];
        break;
      case 'changed':
        this.#rows.get(report.serial)?.process.end(report.reason);
        break;
    }
  }

  #check(): void {
    const silent = performance.now() - this.#heardAt;
    const helper = this.#helper;
    if (helper?.pid === undefined) return;
    const heldUp = silent > PATIENCE_MS && this.#looking.length > 0 && waitsInKernel(helper.pid);
    if (heldUp) this.#blame(this.#looking);
    if (heldUp || silent > LONGEST_SILENCE_MS) helper.kill();
  }

  /** One of these holds the sweep up; each is looked at alone from now on, and the one found alone is ended. */
  #blame(serials: readonly number[]): void {
    const [only] = serials;
    const culprit =
      serials.length === 1 && only !== undefined && this.#careful.has(only) ? this.#rows.get(only)?.process : undefined;
    for (const serial of serials) this.#careful.add(serial);
    if (culprit === undefined) return;
    this.#log.warn(
      { pid: culprit.pid, uid: culprit.uid },
      'a caller holds up those who look at it; its connections end',
    );
    // guard: A11 test/peer/sweep-held-up.test.ts
    culprit.end('unreadable');
  }

  #lost(helper: HelperProcess): void {
    if (this.#helper !== helper) return;
    this.#helper = undefined;
    if (this.#closed) return;
    setTimeout(() => {
      this.start();
    }, RESTART_MS).unref();
  }
}

/** Undefined: there is nothing to look at. */
function rowOf({ process, image }: Followed, careful: boolean): SweepRow | undefined {
  const { serial, pid, cgroup } = process;
  const baseline = image ? process.baseline : undefined;
  return baseline === undefined && cgroup === undefined ? undefined : { serial, pid, baseline, cgroup, careful };
}
