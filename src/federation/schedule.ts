// SPDX-License-Identifier: Apache-2.0
/** When a bundle is fetched again (SPIFFE Federation section 5.1, Trust Domain and Bundle section 4.1.2). Arithmetic, without a clock. */

export interface PollRules {
  /** A hint below this counts as this: another trust domain does not set our pace (SPIRE's floor is 60 s). */
  readonly shortestMs: number;
  /** Without a hint: "a low value, such as five minutes" (BUN-06, FED-20). */
  readonly withoutHintMs: number;
  /** A hint above this counts as this, so that a slip of the pen does not stop the polling for years. */
  readonly longestMs: number;
}

export const WITHOUT_HINT_MS = 300_000;
export const LONGEST_MS = 86_400_000;

/** After a fetch that went well, and after one that failed alike (FED-21). */
export function pollIntervalMs(hintSeconds: number | null, rules: PollRules): number {
  const asked = hintSeconds === null ? rules.withoutHintMs : hintSeconds * 1_000;
  // guard: FED-20 test/federation/schedule.test.ts
  return Math.min(rules.longestMs, Math.max(rules.shortestMs, asked));
}

/** Up to a tenth early by `fraction` in [0, 1), so that relationships made together are not polled together. */
export function withJitter(intervalMs: number, fraction: number, rules: PollRules): number {
  return Math.max(rules.shortestMs, Math.round(intervalMs * (1 - fraction / 10)));
}

/** The same instant by both clocks. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

/**
 * How long until `due`, by whichever clock says it is sooner: the wall clock goes on in suspend, where the other stops, and a wall
 * clock that was set back must not put anything off.
 */
export function leftMs(due: Instant, now: Instant): number {
  return Math.max(0, Math.min(due.wall - now.wall, due.monotonic - now.monotonic));
}
