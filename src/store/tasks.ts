// SPDX-License-Identifier: Apache-2.0
/**
 * Tasks: leases on an identity. Which state follows which is the business of `src/tasks/`; the store guards what a race or a second
 * program could break: a task that is over is never changed, none is active of an identity that is not, none outlives its parent.
 */
import type { RevokedSvid } from './revocations.ts';
import type { Listed, Page } from './store.ts';

/** What a task declares that it will do: an action of a target, perhaps on one thing of it. */
export interface TaskIntent {
  /** Name of the target. */
  readonly target: string;
  /** One of its vocabulary. */
  readonly action: string;
  /** Which ticket, account, file; null for any. */
  readonly resource: string | null;
}

export type TaskState = 'pending' | 'active' | 'ended' | 'denied';

/** Why it is over. Of one that was denied: `policy`, `rejected`, `timeout`, `withdrawn`, `changed`. */
export const TASK_ENDS = [
  'completed',
  'failed',
  'abandoned',
  'expired',
  'revoked',
  'parent',
  'policy',
  'rejected',
  'timeout',
  'withdrawn',
  'changed',
] as const;
export type TaskEnd = (typeof TASK_ENDS)[number];

export interface TaskRecord {
  /** A ULID in lower case. */
  readonly id: string;
  /** SPIFFE ID of the identity that is lent. */
  readonly identity: string;
  readonly parent: string | null;
  /** Under which it began without asking anybody; null for none. */
  readonly grant: string | null;
  /** Its topmost ancestor; itself where it has no parent. */
  readonly root: string;
  /** 0 without a parent. */
  readonly depth: number;
  readonly purpose: string;
  /** Sorted, distinct, at least one. */
  readonly intents: readonly TaskIntent[];
  readonly deadline: number;
  /** Of the process that leads it. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly startTime: string;
  /** JSON text of the attested facts and selectors as it began. */
  readonly attested: string;
  /** SHA-256 over what it asked for, hex: what people approve (`src/tasks/digest.ts`). */
  readonly digest: string;
  /** The set of policies that decided last; empty while none has. */
  readonly policyHash: string;
  readonly state: TaskState;
  readonly stateSince: number;
  readonly end: TaskEnd | null;
  /** In words: who ended it, or what was said of the outcome. */
  readonly endReason: string | null;
  readonly createdAt: number;
  readonly revision: number;
}

export interface TaskFilter {
  readonly state?: TaskState | undefined;
  readonly identity?: string | undefined;
  readonly parent?: string | undefined;
}

/** A task that is over, and what it was given and is worth nothing any more. */
export interface EndedTask {
  readonly task: TaskRecord;
  readonly revoked: readonly RevokedSvid[];
}

export interface TaskStore {
  /**
   * Rejects with ('aborted', 'DECISION_STALE') where the identity is not active at `identityRevision`, or the parent is not
   * active or ends sooner, or the grant gives no such task now: a use of it is counted in the same step.
   */
  create(task: TaskRecord, identityRevision: number, by: string): Promise<void>;
  /** From pending to active. Rejects as `create` does, and with ('aborted', 'REVISION_CONFLICT'). */
  activate(task: TaskRecord, identityRevision: number, by: string, at: number): Promise<void>;
  /**
   * It and all below it, in one step with all that they were given. `state`: `denied` of one that is pending. Resolves with
   * those that it ended, the topmost first: none where it was over already. Rejects with ('not-found', 'TASK_NOT_FOUND').
   */
  end(id: string, end: TaskEnd, reason: string, by: string, at: number): Promise<readonly EndedTask[]>;
  get(id: string): TaskRecord | undefined;
  /** Newest first. */
  list(filter: TaskFilter, page: Page): Listed<TaskRecord>;
  /** Pending or active. */
  live(): readonly TaskRecord[];
}
