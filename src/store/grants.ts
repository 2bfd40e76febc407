// SPDX-License-Identifier: Apache-2.0
/**
 * Grants: windows that people signed, in which tasks of one identity are begun without asking again. What a task may draw is the
 * business of `src/grants/`; the store guards what a race could break: no use is counted twice or beyond the most, and a grant that
 * is over is never changed.
 */
import type { Listed, Page } from './store.ts';
import type { EndedTask, TaskIntent } from './tasks.ts';

export const GRANT_STATES = ['requested', 'pending', 'active', 'exhausted', 'expired', 'revoked', 'denied'] as const;
export type GrantState = (typeof GRANT_STATES)[number];

export interface GrantRecord {
  /** A ULID in lower case; also that of its approval request. */
  readonly id: string;
  /** SPIFFE ID of the identity that may be lent. */
  readonly identity: string;
  /** Sorted, distinct, at least one. */
  readonly intents: readonly TaskIntent[];
  readonly purpose: string;
  /** Milliseconds UTC: from the first to before the second. */
  readonly windowFrom: number;
  readonly windowTo: number;
  readonly maxTaskTtlMs: number;
  readonly maxTasks: number;
  /** For an emergency: two verified people, for an hour at most, and a finding that somebody has to close. */
  readonly breakGlass: boolean;
  /** Tasks that began under it. Only grows. */
  readonly used: number;
  /** `uid:0`, `human:alice`. */
  readonly requestedBy: string;
  /** `sha256:` and hexadecimal, over the request that people sign. */
  readonly digest: string;
  readonly state: GrantState;
  readonly stateSince: number;
  /** In words; null while nobody said anything. */
  readonly stateReason: string | null;
  readonly createdAt: number;
  readonly revision: number;
}

export interface GrantFilter {
  readonly state?: GrantState | undefined;
  readonly identity?: string | undefined;
}

/** Where it goes without ending what began under it. */
export type GrantStep = 'pending' | 'active' | 'denied' | 'expired';

export interface GrantStore {
  /** As `requested`. Rejects with ('aborted', 'DECISION_STALE') where the identity is not active, ('resource-exhausted', 'LIMIT_REACHED'). */
  create(grant: GrantRecord, by: string): Promise<void>;
  /**
   * Resolves with whether it went there: false where it is elsewhere by now, from which there is no such step. `active` is refused with
   * ('failed-precondition', 'GRANT_NOT_APPROVED') unless its approval request is approved.
   */
  step(id: string, to: GrantStep, reason: string | null, by: string, at: number): Promise<boolean>;
  /**
   * Takes it back, and ends all that began under it in the same step: `revoked`, or `denied` where it was not active yet. One that is
   * over stays as it is; its tasks end all the same. Resolves with those. Rejects with ('not-found', 'GRANT_NOT_FOUND').
   */
  revoke(id: string, reason: string, by: string, at: number): Promise<readonly EndedTask[]>;
  get(id: string): GrantRecord | undefined;
  /** Newest first. */
  list(filter: GrantFilter, page: Page): Listed<GrantRecord>;
  /** Requested, pending or active. */
  open(): readonly GrantRecord[];
}

/** Open at once, of one identity (I9). */
export const OPEN_GRANTS_PER_IDENTITY = 16;

/** What no policy can ask less than: so many people, each with such a strength. */
export const BREAK_GLASS = { people: 2, strength: 3 } as const;
