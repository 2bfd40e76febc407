// SPDX-License-Identifier: Apache-2.0
/** Time as an argument. Rules take `now: number` (milliseconds UTC); only what waits takes a Clock. */
export interface Timer {
  /** Idempotent. After it returns the function is not called. */
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01T00:00Z. May jump. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number;
  /** Calls `fn` once, `delayMs` (>= 0, any size) from now. Does not keep the process alive. */
  after(delayMs: number, fn: () => void): Timer;
}

/** Node clamps a longer timeout to 1 ms (timers documentation), so long waits are walked in steps. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fn) {
    let handle: NodeJS.Timeout;
    const walk = (left: number): void => {
      const step = Math.min(left, LONGEST_TIMEOUT_MS);
      handle = setTimeout(() => (left > step ? walk(left - step) : fn()), step);
      handle.unref();
    };
    walk(Math.max(0, delayMs));
    return {
      cancel: () => {
        // Node keeps a list for each length of time that was waited for, and lets go of one that a cleared timer leaves empty
        // only if that timer was referenced (lib/timers.js, unenroll): else until the time is over, which is an hour for a renewal.
        // guard: I9 test/lib/clock.test.ts
        handle.ref();
        clearTimeout(handle);
      },
    };
  },
};
