// SPDX-License-Identifier: Apache-2.0
/**
 * What goes between the main thread and the writer thread. A message is one flat array: how many commands, flags, then
 * for each command its op code and arguments, because cloning one long array costs a fraction of cloning many objects.
 * Answers come back in the order of the commands, so they need no names.
 */
import { Failure, type FailureKind } from '../../lib/failure.ts';
import type { RevokedSvid } from '../revocations.ts';

export const Op = {
  record: 1,
  undelivered: 2,
  createEntry: 3,
  updateEntry: 4,
  deleteEntry: 5,
  updateIdentity: 6,
  putBundle: 7,
  deleteBundle: 8,
  replaceAuthorities: 9,
  setMetaOnce: 10,
  pruneIssuance: 11,
  pruneChanges: 12,
  probe: 13,
  putRelationship: 14,
  deleteRelationship: 15,
  replaceBundles: 16,
  appendEvent: 20,
  putCheckpoint: 21,
  redactEvent: 22,
  revoke: 30,
  createTask: 70,
  activateTask: 71,
  endTask: 72,
  openApproval: 73,
  voteApproval: 74,
  decideApproval: 75,
  createGrant: 76,
  stepGrant: 77,
  revokeGrant: 78,
  takeBackVote: 79,
  createIdentity: 40,
  retireIdentity: 41,
  reportFinding: 50,
  closeFinding: 51,
  seeBinary: 52,
  putHuman: 42,
  setLivePolicy: 60,
  setShadowPolicy: 61,
  endShadowPolicy: 62,
  putTarget: 65,
} as const;

/** What to do once the commands of a message are committed. */
export const Then = { mark: 1, close: 2, emptyLog: 4 } as const;

/** Those of a command that go with it wherever it comes from. */
export const AFTER: ReadonlyMap<number, number> = new Map([
  [Op.replaceAuthorities, Then.mark],
  [Op.redactEvent, Then.emptyLog],
]);

export type Message = readonly unknown[];
export const countOf = (message: Message): number => message[0] as number;
export const flagsOf = (message: Message): number => message[1] as number;
export const FIRST_COMMAND = 2;

/** Arguments after each op code. `record` is flat, all others carry one array. */
export const RECORD_ARGUMENTS = 19;

export type Value = string | number | null | Uint8Array;

/** A command's outcome: a number (a sequence, a count), several, one with what it revoked, or a refusal. */
export type Answer = Done | RefusedAnswer;
export type Done =
  | number
  | readonly number[]
  | RevokedAnswer
  | readonly RevokedAnswer[]
  | readonly EndedAnswer[]
  | GrantEndedAnswer
  | TakenBackAnswer;

export interface RevokedAnswer {
  /** Of the first change: that of an identity where one was written, then that of the revocation. */
  readonly seq: number;
  readonly revoked: readonly RevokedSvid[];
  /** Ids of entries that went with an identity: their changes come first. */
  readonly entryIds?: readonly string[];
  /** The identity as the writer made it, where nobody else has. */
  readonly identity?: readonly Value[];
  /** Tasks that went with an identity: their changes come after its own, and before that of the revocation. */
  readonly ended?: readonly EndedAnswer[];
  /** Of the change that says what was revoked of an identity; 0 where nothing was. */
  readonly revokedSeq?: number;
}

/** A task that is over: its row, its change, that of what it was given (0 where that is nothing). */
export interface EndedAnswer {
  readonly row: readonly Value[];
  readonly seq: number;
  readonly revokedSeq: number;
  readonly revoked: readonly RevokedSvid[];
}

/** A grant that was taken back, and what ended with it. `seq` is 0 where it was over already. */
export interface GrantEndedAnswer {
  readonly seq: number;
  readonly ended: readonly EndedAnswer[];
}

/** An approval that was taken back: the change of its request or its grant, 0 for each that did not change, and what ended. */
export interface TakenBackAnswer {
  readonly requestSeq: number;
  readonly grantSeq: number;
  readonly ended: readonly EndedAnswer[];
}

export interface RefusedAnswer {
  readonly refused: readonly [
    kind: FailureKind,
    reason: string,
    message: string,
    field: string | undefined,
    value: string | undefined,
    hint: string | undefined,
  ];
}

export interface Trouble {
  readonly message: string;
  readonly code: string;
}

/** One message back, for one or more messages in. */
export interface BatchAnswer {
  /** In the order of the commands; undefined when none of them was written. */
  readonly answers: readonly Answer[] | undefined;
  readonly count: number;
  /** How long the commit with its sync took; undefined where nothing was written. */
  readonly commitMs?: number;
  /** Events in the log after it; unchanged where nothing was written. */
  readonly events: number;
  /** Why nothing was written, or why the mark was not. */
  readonly trouble: Trouble | undefined;
}

export interface WriterSetup {
  readonly databasePath: string;
  readonly markPath: string;
  readonly synchronous: 'FULL' | 'OFF';
  readonly gate: SharedArrayBuffer | undefined;
}

export function refusedAnswer(failure: Failure): RefusedAnswer {
  const { kind, reason, message, field, value, hint } = failure;
  return { refused: [kind, reason, message, field, value, hint] };
}

export function refusalOf(answer: RefusedAnswer): Failure {
  const [kind, reason, message, field, value, hint] = answer.refused;
  return new Failure(kind, reason, message, {
    ...(field === undefined ? {} : { field }),
    ...(value === undefined ? {} : { value }),
    ...(hint === undefined ? {} : { hint }),
  });
}
