// SPDX-License-Identifier: Apache-2.0
/** What tasks ask of other rooms, stated where it is needed. */
import type { Attested } from '../attestation/attested.ts';
import type { Strength } from '../identity/strength.ts';
import type { TaskScope } from '../issuance/task-rooms.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyApproval, PolicyAttested, PolicyDecision, UidRelation } from '../policy/contract.ts';
import type { Lease, Match } from '../registry/match.ts';
import type { GrantRecord } from '../store/grants.ts';
import type { Change, IdentityRecord } from '../store/records.ts';
import type { TaskRecord, TaskStore } from '../store/tasks.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { DecisionRooms } from './decide.ts';
import type { TaskNotice } from './notices.ts';
import type { TaskRequest, TaskTerms } from './request.ts';

export interface TaskRooms extends DecisionRooms {
  readonly store: TaskStore;
  readonly changes: { onChanges(listener: (changes: readonly Change[]) => void): () => void };
  readonly attestation: { attest(process: ProcessHandle, signal: AbortSignal): Promise<Attested> };
  readonly registry: {
    match(selectors: ReadonlyMap<string, Strength>, now: number, lease?: Lease): Match;
    identity(spiffeId: string): IdentityRecord | undefined;
  };
  /** Static secrets in the environment of a process (attack C5). */
  secretsOf(process: ProcessHandle, signal: AbortSignal): Promise<PolicyAttested['secrets']>;
  /** Detectors with an open finding. */
  findingsOf(identity: string): readonly string[];
  /** The user whose subuid range holds the uid of the process; that uid where none does (attack A9). */
  ownerOf(process: ProcessHandle): number;
  /** Told of who asks for what. Synchronous and cheap; never throws. Absent where nobody wants to know. */
  readonly noticed?: (notice: TaskNotice) => void;
  /** Was it started by the leader, or below it? */
  isBelow(process: ProcessHandle, leader: ProcessHandle): boolean;
  /**
   * How the process stands to the uids of whoever would be asked for an approval: `other` where there is somebody whose keys it
   * cannot reach (attack C2).
   */
  uidRelation(process: ProcessHandle, identity: IdentityRecord): UidRelation;
  readonly approvals: TaskApprovals;
  readonly grants: TaskGrants;
  /** A socket of the task's own, for its members alone. */
  openSocket(scope: TaskScope, leader: ProcessHandle): Promise<TaskSocket>;
  readonly settings: TaskSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What people signed beforehand. */
export interface TaskGrants {
  /**
   * The grant of this id, where it gives such a task to this process now. Throws Failure('permission-denied', 'GRANT_NOT_GIVEN').
   * Whatever may change until the task is written is compared there again.
   */
  forTask(process: ProcessHandle, request: TaskRequest, identity: string): GrantRecord;
  /** Those under it that count now, with the process as it was when it began a task; none where people are missing. */
  approvalsFor(grant: string, process: ProcessHandle): readonly PolicyApproval[];
}

/** Where people say yes or no to what is pending. */
export interface TaskApprovals {
  /** Asks them; `leader` is the process that asks. Rejects where they cannot be asked. */
  open(
    task: TaskRecord,
    decision: PolicyDecision & { readonly outcome: 'approve' },
    leader: ProcessHandle,
  ): Promise<void>;
  /** Those that count now, each verified and about this very task. */
  countedFor(taskId: string): readonly PolicyApproval[];
  /** Somebody said something about this task. `end` where it cannot become active any more, or stay so. */
  onVoice(
    listener: (taskId: string, end?: { readonly kind: 'rejected' | 'withdrawn'; readonly reason: string }) => void,
  ): void;
}

export interface TaskSocket {
  readonly path: string;
  /** Calls are ended with a status first. Idempotent. */
  close(): Promise<void>;
}

export interface TaskSettings extends TaskTerms {
  /** `x509TtlMs`, `jwtTtlMs`: the longest that a credential in a task lives. */
  readonly x509TtlMs: number;
  readonly jwtTtlMs: number;
  /** One that waits for people longer is denied. */
  readonly pendingMs: number;
  /** Generations below a task without a parent. */
  readonly mostDepth: number;
  /** Live at once, of one uid and in all (I9). */
  readonly perUid: number;
  readonly total: number;
  readonly ownUid: number;
  /** Callers of the daemon's own uid may have tasks all the same (attack B2). */
  readonly insecureSameUid: boolean;
}

/** Told in order; `ended` last. */
export type TaskUpdate =
  | { readonly kind: 'pending'; readonly task: TaskRecord; readonly because: readonly string[]; readonly needs: string }
  | { readonly kind: 'active'; readonly task: TaskRecord; readonly subject: string; readonly socket: string }
  | { readonly kind: 'ended'; readonly task: TaskRecord };
