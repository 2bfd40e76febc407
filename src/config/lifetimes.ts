// SPDX-License-Identifier: Apache-2.0
/** How long a CA and an SVID may live, as configuration and entries are held to it (I5, I6). When things are replaced: `rotation/schedule.ts`. */
import { formatDuration } from '../lib/duration.ts';

/** An SVID may live this part of its CA's life: the CA signs until a sixth of its life remains. */
const CA_LIVES_PER_SVID = 6;
/** A shorter SVID could end before its renewal arrives. */
export const LEAST_SVID_TTL_MS = 10_000;
/** A lead of 5 min, of which a fifth is the 60 s that BUN-05 wants as the least refresh hint. */
export const LEAST_CA_TTL_MS = 15 * 60_000;
/**
 * The least under `ca.insecure_short_ca`, a test setting: SVIDs of 3 s, a lead of 6 s, a hint of 1 s, and one prepare,
 * activate and prune in each 9 s, so that 20 such steps fall within a minute.
 */
export const LEAST_SHORT_CA_TTL_MS = 18_000;

/** In whole seconds. */
export function longestSvidTtlMs(caTtlMs: number): number {
  return Math.floor(caTtlMs / CA_LIVES_PER_SVID / 1_000) * 1_000;
}

/** What a stored TTL gives under the present ca.ttl, which may have been lowered since (I5). */
export function cappedTtlMs(askedMs: number, caTtlMs: number): number {
  return Math.min(askedMs, longestSvidTtlMs(caTtlMs));
}

/** What an identity of this kind gets of it: of `legacy` no more than `lifecycle.legacy_max_ttl`. */
export function ttlOfKindMs(askedMs: number, kind: string, legacyMaxTtlMs: number): number {
  // guard: I5 test/issuance/legacy-ttl.test.ts
  if (kind === 'legacy') return Math.min(askedMs, legacyMaxTtlMs);
  return askedMs;
}

export interface TtlFault {
  /** Follows "is". */
  readonly broken: string;
  readonly hint: string;
}

/** I5: an SVID that outlives what its CA can still sign for. `name` of the TTL, for the hint. */
export function overCaShare(ttlMs: number, caTtlMs: number, name: string): TtlFault | undefined {
  const longest = longestSvidTtlMs(caTtlMs);
  if (ttlMs <= longest) return undefined;
  const needed = formatDuration(ttlMs * CA_LIVES_PER_SVID);
  return {
    broken: `over a sixth of ca.ttl (${formatDuration(caTtlMs)}), so the last SVIDs of an authority would be cut short`,
    hint: `set ca.ttl to ${needed} or more, or ${name} to ${formatDuration(longest)} or less`,
  };
}
