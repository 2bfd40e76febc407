// SPDX-License-Identifier: Apache-2.0
/**
 * Notices a wall clock that is not where it should be (I8).
 *
 * - More than 10 s behind the latest time ever seen, in this run or in the store: `check` refuses, since a credential made
 *   now could carry times that lie, or outlive its issuer. It passes again when the clock has caught up or `accept` is called.
 * - A jump (the wall clock moved otherwise than the monotonic one: a correction, or a resume, since CLOCK_MONOTONIC
 *   stops in suspend) is told to the listeners at once, so that whatever waits on a timer looks again.
 *
 * `check` costs two clock reads and is meant for each issuance.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import { Failure } from '../lib/failure.ts';
import type { Logger } from '../telemetry/logger.ts';

/** I8. */
export const TOLERATED_BACK_MS = 10_000;
/** Both clocks are compared each second; NTP slews at most 0.5 ms in one, and a step is 128 ms or more. */
const LOOK_EVERY_MS = 1000;
const JUMP_MS = 2000;

export interface ClockJump {
  readonly kind: 'ahead' | 'back' | 'caught-up' | 'accepted';
  /** How far the wall clock moved beyond what passed; negative is back. */
  readonly byMs: number;
  readonly now: number;
}

/** Remembers `accept` over a restart: the store's latest time stays what it was, the operator's word must too. */
export interface ClockAcceptances {
  /** The time from which `latest` was accepted as wrong, or undefined. */
  accepted(latest: number): number | undefined;
  accept(latest: number, now: number): Promise<void>;
}

export class ClockGuard {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #acceptances: ClockAcceptances;
  readonly #listeners = new Set<(jump: ClockJump) => void>();
  /** The latest time that the clock must not fall behind. */
  #latest: number;
  /** The time in the store that `accept` overrules. */
  readonly #stored: number;
  #behind = false;
  #lastWall: number;
  #lastMonotonic: number;
  #timer: Timer | undefined;

  /** `storedLatest`: the largest time in any row (`store.latestTime()`). Call `close` when done. */
  constructor(opts: { clock: Clock; storedLatest: number; acceptances: ClockAcceptances; log: Logger }) {
    this.#clock = opts.clock;
    this.#log = opts.log;
    this.#acceptances = opts.acceptances;
    this.#stored = opts.storedLatest;
    this.#lastWall = opts.clock.now();
    this.#lastMonotonic = opts.clock.monotonic();
    this.#latest = opts.acceptances.accepted(opts.storedLatest) ?? opts.storedLatest;
    this.check();
    this.#arm();
  }

  /** The reason why nothing may be issued now, or undefined. */
  check(): Failure | undefined {
    const now = this.#clock.now();
    this.#compare(now, this.#clock.monotonic());
    if (now >= this.#latest) this.#latest = now;
    const behindMs = this.#latest - now;
    // guard: I8 test/authority/clock-guard.test.ts
    if (behindMs > TOLERATED_BACK_MS) return this.#refusal(now, behindMs);
    if (this.#behind) {
      this.#behind = false;
      this.#log.warn({ now }, 'the clock has caught up; issuing again');
      this.#tell({ kind: 'caught-up', byMs: 0, now });
    }
    return undefined;
  }

  /** The operator says that the clock is right and the latest time seen was wrong. Resolves when that is durable. */
  async accept(): Promise<{ readonly latestSeen: number; readonly now: number }> {
    const now = this.#clock.now();
    const latestSeen = this.#latest;
    await this.#acceptances.accept(this.#stored, now);
    this.#latest = now;
    this.#behind = false;
    this.#log.warn({ latestSeen, now }, 'an operator accepted the clock as it stands');
    this.#tell({ kind: 'accepted', byMs: now - latestSeen, now });
    return { latestSeen, now };
  }

  /** Called at once after a jump, and when issuing may go on. Returns the undo. */
  onJump(listener: (jump: ClockJump) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#listeners.clear();
  }

  #arm(): void {
    this.#timer = this.#clock.after(LOOK_EVERY_MS, () => {
      this.check();
      this.#arm();
    });
  }

  #compare(wall: number, monotonic: number): void {
    const byMs = wall - this.#lastWall - (monotonic - this.#lastMonotonic);
    this.#lastWall = wall;
    this.#lastMonotonic = monotonic;
    if (Math.abs(byMs) < JUMP_MS) return;
    this.#log.warn({ byMs: Math.round(byMs), now: wall }, 'the wall clock jumped, or the machine was suspended');
    // guard: I8 test/authority/clock-guard.test.ts
    this.#tell({ kind: byMs > 0 ? 'ahead' : 'back', byMs, now: wall });
  }

  #refusal(now: number, behindMs: number): Failure {
    if (!this.#behind)
      this.#log.error({ behindMs, now, latestSeen: this.#latest }, 'the clock went back; issuing stopped');
    this.#behind = true;
    const latest = new Date(this.#latest).toISOString();
    return new Failure(
      'unavailable',
      'CLOCK_BEHIND',
      `the clock reads ${new Date(now).toISOString()}, ${formatDuration(behindMs)} before the latest time seen, ${latest}; nothing is issued until it has caught up`,
      { hint: 'set the clock right, or say `assay clock accept` if it is right now' },
    );
  }

  #tell(jump: ClockJump): void {
    for (const listener of [...this.#listeners]) listener(jump);
  }
}
