// SPDX-License-Identifier: Apache-2.0
/**
 * When things of limited life are replaced. Pure: instants in, instants out, randomness handed in.
 *
 * A CA of life L: its successor is prepared (published) when L/2 remains and signs when L/6 remains, so that a new root
 * is in the bundle L/3 before its first use: 8 h at 24 h (I6). A workload's SVID lives at most L/6, so that one issued in
 * the last moment before the change still ends within its issuer's life (I5). Bundle consumers are asked to refresh five
 * times within that lead, at most every 300 s (SPIFFE Trust Domain and Bundle 4.1.2, BUN-05, BUN-19).
 */

const SECOND = 1000;

/** A CA signs until this part of its life remains; `config/lifetimes.ts` lets no SVID live longer. */
const PARTS_LEFT_TO_SVIDS = 6;
/** SPIRE's backdating of 10 s: room for verifiers whose clock is a little slow (X509-28). */
export const BACKDATE_MS = 10 * SECOND;
const LONGEST_HINT_MS = 300 * SECOND;
const HINTS_PER_LEAD = 5;

/** A CA's life: from the instant it was made (its notBefore is backdated and does not count) to its notAfter, in milliseconds. */
export interface Life {
  readonly since: number;
  readonly until: number;
}

function span(life: Life): number {
  return life.until - life.since;
}

/** The successor of a CA with this life is prepared at this instant. */
export function prepareAt(life: Life): number {
  return life.until - Math.floor(span(life) / 2);
}

/** How long a CA's successor stands in the bundle before it signs. */
export function leadOf(life: Life): number {
  return Math.floor(span(life) / 3);
}

/** How often bundle consumers are asked to refresh, in whole seconds: a fifth of the shortest lead, at most 300 s. */
export function refreshHintSeconds(caLivesMs: readonly number[]): number {
  const lead = Math.floor(Math.min(...caLivesMs) / 3);
  return Math.max(1, Math.floor(Math.min(LONGEST_HINT_MS, lead / HINTS_PER_LEAD) / SECOND));
}

/** Below this rest an active CA is no longer worth signing with: what it signs would end at once. */
export function lastUseOf(life: Life): number {
  return life.until - Math.floor(span(life) / 60);
}

/**
 * The least time that a root must have been published before it signs: five refresh hints of the bundle that holds
 * both, which is never more than the lead. Every consumer that keeps to the hint has fetched it by then.
 */
export function announceMs(active: Life, prepared: Life): number {
  return HINTS_PER_LEAD * refreshHintSeconds([span(active), span(prepared)]) * SECOND;
}

/**
 * The prepared CA starts to sign when a sixth of the active one's life remains. Sooner, when half of its own life is over:
 * then it was prepared early or lives shorter (ca.ttl was lowered), and still has time to announce its own successor. Later,
 * when it was prepared late and is not announced yet, but not after the active one's last use.
 */
export function activateAt(active: Life, prepared: Life): number {
  const due = Math.min(active.until - Math.floor(span(active) / PARTS_LEFT_TO_SVIDS), prepareAt(prepared));
  return Math.max(due, Math.min(prepared.since + announceMs(active, prepared), lastUseOf(active)));
}

/** The first instant at which nothing that a CA signed is valid any more: notAfter itself is still valid (RFC 5280 4.1.2.5). */
export function pruneAt(lastSvidNotAfter: number): number {
  return lastSvidNotAfter + SECOND;
}

/**
 * The SVIDs under a tainted root are issued anew within this time, so that 10,000 open streams ask for 1,000 signatures and rows a
 * second, about a tenth of one core, and newcomers are still served at once. SPIRE makes 100 in 5 s
 * (pkg/agent/manager/cache/lru_cache.go), and so takes 500 s for as many.
 */
export const TAINT_SPREAD_MS = 10 * SECOND;

/**
 * When an SVID is replaced whose root is distrusted since an instant (minus infinity: has left the bundle). `fraction` in [0, 1) is
 * drawn once per SVID, and spreads them evenly.
 */
export function reissueAt(distrustedSince: number, fraction: number): number {
  return distrustedSince + Math.floor(fraction * TAINT_SPREAD_MS);
}

export interface LeafEnd {
  /** Milliseconds, a whole second. */
  readonly notAfter: number;
  /** The end that cut the SVID short of its TTL: renewing before it has moved gains nothing. Undefined when none did. */
  readonly cutShortBy: number | undefined;
}

/** notAfter of an SVID minted at `now`: the least of what was asked, every end it must not outlive, and its issuer's (I5, X509-28). */
export function leafEnd(now: number, ttlMs: number, ends: readonly number[]): LeafEnd {
  const asked = now + ttlMs;
  let least = asked;
  // guard: I5 test/rotation/ttl.test.ts
  for (const end of ends) if (end < least) least = end;
  return { notAfter: Math.floor(least / SECOND) * SECOND, cutShortBy: least < asked ? least : undefined };
}

/**
 * When an SVID is renewed: at half of its life, spread evenly over 45..55 % by a `fraction` in [0, 1) that is drawn once
 * per SVID (X509-30). Drawing it anew at each check would always let the smallest of many draws win, and SVIDs made together
 * would be renewed together (SPIRE's fate). One cut short by an end that has not moved is not renewed before it:
 * the new one would end at the same instant, at ever shorter intervals (I5); its holder asks again when the end moves.
 */
export function renewAt(svid: {
  readonly issuedAt: number;
  readonly notAfter: number;
  readonly cutShortBy?: number | undefined;
  readonly fraction: number;
}): number {
  // guard: I5 test/rotation/renew-at.test.ts
  if (svid.cutShortBy !== undefined) return svid.cutShortBy;
  return svid.issuedAt + Math.floor((0.45 + 0.1 * svid.fraction) * (svid.notAfter - svid.issuedAt));
}
