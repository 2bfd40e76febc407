// SPDX-License-Identifier: Apache-2.0
/**
 * What people were asked to approve, and what they signed. What votes come to is the business of `src/approvals/`; the store guards
 * what a race could break: a request that is decided stays as it is, and a vote counts by people who are as they were when it was judged.
 */
import type { Listed, Page } from './store.ts';

export const APPROVAL_STATES = ['pending', 'approved', 'rejected', 'expired', 'withdrawn'] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

export interface ApprovalRecord {
  /** Of the task or grant that it is about. */
  readonly id: string;
  readonly kind: 'task' | 'grant';
  /** SPIFFE ID of the identity that would be lent. */
  readonly identity: string;
  /** Canonical JSON of all that is shown and signed. */
  readonly request: string;
  /** `sha256:` and hexadecimal, over `request`. */
  readonly digest: string;
  /** JSON: uids and gids of the process that asks and of its ancestors, null where they are not known. */
  readonly agent: string;
  /** The uid that asks; null where no process does. */
  readonly uid: number | null;
  /** So many people, each with at least such a strength. */
  readonly quorum: number;
  readonly strength: number;
  readonly createdAt: number;
  readonly notAfter: number;
  readonly state: ApprovalState;
  readonly stateSince: number;
  /** In words; null while it is pending. */
  readonly stateReason: string | null;
  readonly revision: number;
}

/** Never changed: a human approves a request once, rejects it once, and takes their approval back once. */
export interface VoteRecord {
  readonly request: string;
  readonly human: string;
  readonly decision: 'approve' | 'reject' | 'withdraw';
  readonly fingerprint: string;
  readonly strength: number;
  /** How the key is known to be what it claims: none, stated, attested. */
  readonly proof: string;
  /** As a security key counts its signatures; null for a key in software. */
  readonly counter: number | null;
  /** As it was signed: whoever holds it, the signature and the key checks it without us. */
  readonly statement: string;
  /** Armored. */
  readonly signature: string;
  readonly at: number;
}

export interface DecidedApproval {
  readonly state: Exclude<ApprovalState, 'pending'>;
  readonly reason: string;
}

/** What a vote was judged on: the writer takes it only where all this still stands. */
export interface JudgedOn {
  /** Of the request. */
  readonly revision: number;
  /** Name and revision of each human whose vote counts, this one's among them. */
  readonly humans: readonly (readonly [name: string, revision: number])[];
}

export interface ApprovalFilter {
  readonly state?: ApprovalState | undefined;
  readonly identity?: string | undefined;
}

export interface ApprovalStore {
  /**
   * Rejects with ('aborted', 'DECISION_STALE') where the task is not pending or the identity not active, ('already-exists',
   * 'APPROVAL_EXISTS'), ('resource-exhausted', 'LIMIT_REACHED').
   */
  open(approval: ApprovalRecord, by: string): Promise<void>;
  /**
   * A vote, and what it makes of its request, in one step. `decided`: undefined where people are still missing. Rejects with
   * ('aborted', 'DECISION_STALE') where something that it was judged on moved, ('failed-precondition', 'APPROVAL_OVER') where the
   * request or its task no longer waits, ('already-exists', 'VOTE_EXISTS').
   */
  vote(vote: VoteRecord, on: JudgedOn, decided: DecidedApproval | undefined, by: string): Promise<ApprovalRecord>;
  /**
   * An approval taken back, and in the same step what began by it: the task, or the grant with all tasks under it. `by` is who
   * handed it in, `reason` what those say of their end. Rejects with ('aborted', 'DECISION_STALE') as above, ('not-found',
   * 'VOTE_NOT_FOUND') where they approved nothing, ('already-exists', 'VOTE_EXISTS'), and ('failed-precondition', 'APPROVAL_OVER')
   * where nothing is left to take back.
   */
  takeBack(
    vote: VoteRecord & { readonly decision: 'withdraw' },
    on: JudgedOn,
    reason: string,
    by: string,
  ): Promise<ApprovalRecord>;
  /** Without a vote. Resolves with the record; undefined where it was decided already, or there is none. */
  decide(id: string, decided: DecidedApproval, by: string, at: number): Promise<ApprovalRecord | undefined>;
  get(id: string): ApprovalRecord | undefined;
  /** As they came. */
  votes(id: string): readonly VoteRecord[];
  /** The newest first. */
  list(filter: ApprovalFilter, page: Page): Listed<ApprovalRecord>;
  /** All that are pending. */
  pending(): readonly ApprovalRecord[];
}

/** So that nobody buries what matters under what they ask for: pending at once, of one uid and in all. */
export const PENDING_PER_UID = 16;
export const PENDING_IN_ALL = 1_000;
