// SPDX-License-Identifier: Apache-2.0
/**
 * What those who wait for people ask of approvals: types alone. `src/ballots/` has it, over the store.
 *
 * A request is about one thing, a task or a grant, and has its id. It is decided once; what it comes to is told as it is written, and
 * never by time passing: a request that is over without enough votes is `expired`.
 */
import type { ApprovalRequest } from './request.ts';
import type { AgentOwners } from './uid-relation.ts';
import type { CountedApproval, Tally } from './votes.ts';

export type ApprovalState = 'pending' | 'approved' | 'rejected' | 'expired' | 'withdrawn';

export interface OpenedRequest {
  readonly id: string;
  readonly state: ApprovalState;
  /** In words; null while it is pending. */
  readonly reason: string | null;
  readonly request: ApprovalRequest;
  /** Those that count as people are now: of somebody who has left, or whose key was taken back, none does. */
  readonly approvals: readonly CountedApproval[];
  /** Names, sorted. */
  readonly rejectedBy: readonly string[];
  /** What does not count, and why. */
  readonly void: Tally['void'];
  /** How many people are still missing. */
  readonly missing: number;
}

export interface Approvals {
  /**
   * Asks people. `agent`: who the process and its ancestors are, by which a human's key may be in its reach (attack C2).
   *
   * Rejects with ('invalid-argument', 'STATEMENT_INVALID') for what nobody could sign, ('already-exists', 'APPROVAL_EXISTS') where it
   * was asked before, ('resource-exhausted', 'LIMIT_REACHED'), and ('aborted', 'DECISION_STALE') where the task is not pending.
   */
  open(request: ApprovalRequest, agent: AgentOwners, by: string): Promise<OpenedRequest>;
  /** Undefined where nothing was asked under this id. `agent`: whoever uses it, judged in place of who was known as it was asked. */
  state(id: string, agent?: AgentOwners): OpenedRequest | undefined;
  /**
   * Told once of each request that leaves `pending`, in the order in which that was written, before the promise of whoever caused it
   * resolves. Only `approved` lets anything begin, and only after another look: whoever hears of it decides anew, by what is then.
   * Returns the undo.
   */
  onDecided(listener: (decided: OpenedRequest) => void): () => void;
  /** What waited is over. Resolves with whether it was pending. */
  withdraw(id: string, reason: string, by: string): Promise<boolean>;
}
