// SPDX-License-Identifier: Apache-2.0
/** A clock that moves only when told to, after Tailscale's `tstest/clock.go`. */
import type { Clock, Timer } from '../../src/lib/clock.ts';

interface Waiting {
  readonly dueAt: number;
  readonly order: number;
  readonly fn: () => void;
}

export class FakeClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #order = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(startMs = Date.UTC(2030, 0, 1)) {
    this.#wall = startMs;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(delayMs: number, fn: () => void): Timer {
    const waiting = { dueAt: this.#monotonic + Math.max(0, delayMs), order: this.#order++, fn };
    this.#waiting.add(waiting);
    return { cancel: () => void this.#waiting.delete(waiting) };
  }

  /** Timers not yet fired or cancelled. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Moves both clocks, firing timers at their instants in order and letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    for (;;) {
      await settle();
      let next: Waiting | undefined;
      for (const one of this.#waiting) {
        if (one.dueAt > end) continue;
        if (next === undefined || one.dueAt < next.dueAt || (one.dueAt === next.dueAt && one.order < next.order))
          next = one;
      }
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#wall += Math.max(0, next.dueAt - this.#monotonic);
      this.#monotonic = Math.max(this.#monotonic, next.dueAt);
      next.fn();
    }
    this.#wall += end - this.#monotonic;
    this.#monotonic = end;
    await settle();
  }

  /** The wall clock alone jumps: a correction, or a resume from suspend. */
  jump(ms: number): void {
    this.#wall += ms;
  }
}

/** Lets settled promises and what they start run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
