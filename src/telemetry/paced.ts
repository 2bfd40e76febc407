// SPDX-License-Identifier: Apache-2.0
/**
 * Warnings that a caller can cause at will: one line a second of each sort, with the number left out since the last, so
 * that whoever causes them fills no disk (I9).
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from './logger.ts';

const PACE_MS = 1_000;

export class PacedWarnings {
  readonly #log: Logger;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #last = new Map<string, { readonly at: number; skipped: number }>();

  constructor(log: Logger, clock: Pick<Clock, 'monotonic'>) {
    this.#log = log;
    this.#clock = clock;
  }

  /** `sort`: one of a few, never outside text. */
  warn(sort: string, fields: object, message: string): void {
    this.#say('warn', sort, fields, message);
  }

  error(sort: string, fields: object, message: string): void {
    this.#say('error', sort, fields, message);
  }

  #say(level: 'warn' | 'error', sort: string, fields: object, message: string): void {
    const now = this.#clock.monotonic();
    const last = this.#last.get(sort);
    // guard: I9 test/telemetry/paced.test.ts
    if (last !== undefined && now - last.at < PACE_MS) {
      last.skipped += 1;
      return;
    }
    this.#last.set(sort, { at: now, skipped: 0 });
    this.#log[level]({ ...fields, ...(last?.skipped ? { skipped: last.skipped } : {}) }, message);
  }
}
