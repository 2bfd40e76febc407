// SPDX-License-Identifier: Apache-2.0
/**
 * The slots of our CAs as a pure state machine: records and an instant in, the step that is due out.
 *
 *   prepared   in the bundle, signs nothing yet; at most one
 *   active     in the bundle, signs; exactly one, once the daemon has started
 *   old        in the bundle until the last SVID that it may have signed has expired
 *
 * A key is published before it signs (BUN-18, I6) and its certificate outlives what it signed (BUN-19). Steps are decided
 * here, done in `steps.ts`, journalled in the store, and decided again from the journal after a crash.
 */
import { activateAt, announceMs, type Life, prepareAt, pruneAt } from '../rotation/schedule.ts';
import type { AuthorityRecord } from '../store/records.ts';

export type Step =
  /** Make the next CA and publish it. */
  | { readonly kind: 'prepare' }
  /** Let the prepared CA sign; `announced` is false when it has been published for too short a time. */
  | { readonly kind: 'activate'; readonly id: string; readonly announced: boolean }
  /** No CA can sign: make one, publish it and sign with it at once (an unannounced root). */
  | { readonly kind: 'replace'; readonly id: string | undefined }
  /** Take a prepared CA that can never sign out of the bundle. */
  | { readonly kind: 'discard'; readonly id: string }
  /** Take old CAs out of the bundle. */
  | { readonly kind: 'prune'; readonly ids: readonly string[] }
  /** By an operator alone: issue anew what this old CA signed. */
  | { readonly kind: 'taint'; readonly id: string }
  /** By an operator alone: take a tainted CA out of the bundle, whatever of its SVIDs is still valid. */
  | { readonly kind: 'revoke'; readonly id: string };

/** Whether the key manager holds the key of the authority with this id. */
export type Holds = (id: string) => boolean;

export function lifeOf(record: AuthorityRecord): Life {
  return { since: record.preparedAt, until: record.notAfter };
}

export function inSlot(
  records: readonly AuthorityRecord[],
  slot: AuthorityRecord['slot'],
): AuthorityRecord | undefined {
  return records.find((one) => one.slot === slot);
}

function usable(record: AuthorityRecord, holds: Holds, now: number): boolean {
  return holds(record.id) && now < record.notAfter;
}

/** The most urgent step that is due at `now`, or undefined. Doing it and asking again ends at undefined. */
export function dueStep(records: readonly AuthorityRecord[], holds: Holds, now: number): Step | undefined {
  // First, since it makes room for the others (MOST_AUTHORITIES).
  const over = prunable(records, now);
  if (over.length > 0) return { kind: 'prune', ids: over };
  const active = inSlot(records, 'active');
  const prepared = inSlot(records, 'prepared');
  if (active === undefined || !usable(active, holds, now)) {
    if (prepared === undefined || !usable(prepared, holds, now)) return { kind: 'replace', id: active?.id };
    return { kind: 'activate', id: prepared.id, announced: isAnnounced(prepared, active, now) };
  }
  if (prepared !== undefined && !usable(prepared, holds, now)) return { kind: 'discard', id: prepared.id };
  if (prepared === undefined) return now >= prepareAt(lifeOf(active)) ? { kind: 'prepare' } : undefined;
  // guard: BUN-18 test/authority/rotation.test.ts
  if (now < activateAt(lifeOf(active), lifeOf(prepared))) return undefined;
  return { kind: 'activate', id: prepared.id, announced: isAnnounced(prepared, active, now) };
}

function prunable(records: readonly AuthorityRecord[], now: number): readonly string[] {
  const ids: string[] = [];
  for (const one of records) {
    if (one.slot !== 'old') continue;
    // guard: BUN-19 test/authority/rotation.test.ts
    if (now < pruneAt(one.lastSvidNotAfter)) continue;
    ids.push(one.id);
  }
  return ids;
}

/** Every consumer that keeps to the refresh hint has had five chances to fetch it. */
export function isAnnounced(prepared: AuthorityRecord, active: AuthorityRecord | undefined, now: number): boolean {
  return now - prepared.preparedAt >= announceMs(lifeOf(active ?? prepared), lifeOf(prepared));
}

/** The active CA, while it signs without having been announced for long enough. */
export function unannouncedActive(records: readonly AuthorityRecord[], now: number): AuthorityRecord | undefined {
  const active = inSlot(records, 'active');
  if (active === undefined || active.activatedAt === null) return undefined;
  const announcedAt = active.preparedAt + announceMs(lifeOf(active), lifeOf(active));
  return now < announcedAt && active.activatedAt < announcedAt ? active : undefined;
}

export interface Planned {
  readonly what: 'prepare' | 'activate' | 'prune';
  /** The authority it concerns; undefined for one that does not exist yet. */
  readonly id: string | undefined;
  readonly at: number;
}

/** What time alone will bring, soonest first; an instant that has passed is due now. */
export function planned(records: readonly AuthorityRecord[]): readonly Planned[] {
  const plan: Planned[] = [];
  const active = inSlot(records, 'active');
  const prepared = inSlot(records, 'prepared');
  if (active !== undefined && prepared === undefined)
    plan.push({ what: 'prepare', id: undefined, at: prepareAt(lifeOf(active)) });
  if (active !== undefined && prepared !== undefined)
    plan.push({ what: 'activate', id: prepared.id, at: activateAt(lifeOf(active), lifeOf(prepared)) });
  for (const one of records)
    if (one.slot === 'old') plan.push({ what: 'prune', id: one.id, at: pruneAt(one.lastSvidNotAfter) });
  return plan.sort((a, b) => a.at - b.at);
}

/** The records after a fresh CA was published. */
export function withPrepared(records: readonly AuthorityRecord[], fresh: AuthorityRecord): readonly AuthorityRecord[] {
  return [...records, fresh];
}

/** The records after `id` began to sign and the one before, if any, stopped. */
export function withActive(records: readonly AuthorityRecord[], id: string, now: number): readonly AuthorityRecord[] {
  return records.map((one): AuthorityRecord => {
    if (one.id === id) return { ...one, slot: 'active', activatedAt: now, revision: one.revision + 1 };
    if (one.slot !== 'active') return one;
    // The store knows what it signed last: it raises `lastSvidNotAfter` with each issuance that it records.
    return { ...one, slot: 'old', oldAt: now, revision: one.revision + 1 };
  });
}

/** The records after `id` was tainted. */
export function withTainted(records: readonly AuthorityRecord[], id: string, now: number): readonly AuthorityRecord[] {
  return records.map((one) => (one.id === id ? { ...one, taintedAt: now, revision: one.revision + 1 } : one));
}

/**
 * Since when nothing signed by `id` is to be relied on, milliseconds UTC: the instant of its taint, minus infinity for one that
 * is in the bundle no more, undefined for one in good standing.
 */
export function distrustedSince(records: readonly AuthorityRecord[], id: string): number | undefined {
  const record = records.find((one) => one.id === id);
  return record === undefined ? Number.NEGATIVE_INFINITY : (record.taintedAt ?? undefined);
}

export function without(records: readonly AuthorityRecord[], ids: readonly string[]): readonly AuthorityRecord[] {
  return records.filter((one) => !ids.includes(one.id));
}
