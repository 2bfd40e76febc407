// SPDX-License-Identifier: Apache-2.0
/** What ballots ask of other rooms, stated where it is needed. */
import type { Enrolment, KeyStrength } from '../approvals/key-strength.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import type { KeyReach, UidRelation } from '../approvals/uid-relation.ts';
import type { Clock } from '../lib/clock.ts';
import type { ApprovalStore } from '../store/approvals.ts';
import type { HumanKey, HumanRecord } from '../store/humans.ts';
import type { Change } from '../store/records.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { Logger } from '../telemetry/logger.ts';

/** May this person decide on this, with a signature of this strength? */
export interface AskedOfPolicy {
  readonly human: HumanRecord;
  readonly request: ApprovalRequest;
  readonly strength: KeyStrength;
  readonly uid: UidRelation;
  readonly at: number;
}

export interface JudgingRooms {
  readonly people: { get(name: string): HumanRecord | undefined };
  /** Policy's word. What cannot be decided is a no. */
  mayDecide(asked: AskedOfPolicy): boolean;
  /** What somebody vouched for a key; `{ highest: 1, proof: 'none' }` where nobody did. */
  enrolmentOf(key: HumanKey): Enrolment;
  /** Who of this machine reaches a human's keys. */
  reachOf(human: HumanRecord): KeyReach;
}

export interface BallotRooms extends JudgingRooms {
  readonly store: ApprovalStore;
  readonly tasks: Pick<TaskStore, 'get'>;
  readonly changes: { onChanges(listener: (changes: readonly Change[]) => void): () => void };
  readonly clock: Clock;
  readonly log: Logger;
}
