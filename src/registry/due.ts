// SPDX-License-Identifier: Apache-2.0
/** What time alone brings an identity. Pure. */
import type { IdentityRecord } from '../store/records.ts';

/** Why an identity that ran out is suspended. */
export const EXPIRED = 'expired';
/** Why one whose review was missed is. */
export const REVIEW_MISSED = 'review missed';

/** Why one of which a detector found something is. */
export function foundBy(detector: string): string {
  return `found by the detector ${detector}`;
}

const OWNER_LEFT = /^owner .* left$/s;
const FOUND = /^found by the detector /;

/** Suspended by time or because its owner left, and by nobody who had a reason: a renewal lets it go on. */
export function isRenewable({ state, stateReason }: IdentityRecord): boolean {
  return state === 'suspended' && stateReason !== null && (stateReason === EXPIRED || OWNER_LEFT.test(stateReason));
}

/** These reasons are what a renewal goes by: nobody else gives them. */
export function isOwnReason(reason: string): boolean {
  // guard: I5 test/registry/identity-life.test.ts
  if (FOUND.test(reason)) return true;
  return reason === EXPIRED || reason === REVIEW_MISSED || OWNER_LEFT.test(reason);
}

/** It ran out so long ago that it can only retire. */
export function isPastGrace({ state, expiresAt }: IdentityRecord, graceMs: number, now: number): boolean {
  return state === 'suspended' && expiresAt + graceMs <= now;
}

/** What time has brought an identity: a reason to suspend it, or its end. */
export function dueStep(
  identity: IdentityRecord,
  graceMs: number,
  now: number,
): typeof EXPIRED | typeof REVIEW_MISSED | 'retire' | undefined {
  const at = dueAt(identity, graceMs);
  if (at === undefined || at > now) return undefined;
  if (identity.state === 'suspended') return 'retire';
  return identity.expiresAt <= now ? EXPIRED : REVIEW_MISSED;
}

/** When time brings the next of these; undefined for what only somebody can change. */
export function dueAt({ state, expiresAt, reviewBy }: IdentityRecord, graceMs: number): number | undefined {
  if (state === 'active') return Math.min(expiresAt, reviewBy ?? Infinity);
  return state === 'suspended' ? expiresAt + graceMs : undefined;
}
