// SPDX-License-Identifier: Apache-2.0
/**
 * Whether an agent could have made a human's signature without them: whether its uid is among those that reach their keys. By records
 * alone: which socket a signature came in by proves nothing (attack C2).
 */

/** What is not known is taken as the same. */
export type UidRelation = 'other' | 'same' | 'unknown';

/** What of a machine reaches a human's keys. */
export interface KeyReach {
  /** Uids under which they work. Empty says that nobody wrote them down. */
  readonly uids: readonly number[];
  /** Subordinate uids of theirs (subuid(5)): who works under one of the uids can become each of these, and the other way. */
  readonly ranges: readonly { readonly first: number; readonly count: number }[];
  /** Groups whose members are as good as root: docker, disk and the like. */
  readonly gids: readonly number[];
}

/** Of an agent's process. */
export interface AgentOwners {
  /** Its own uid and those of its ancestors up to its session; undefined where one of them is not known. */
  readonly uids: readonly number[] | undefined;
  /** Of the same processes, supplementary ones with them. */
  readonly gids: readonly number[] | undefined;
}

const ROOT = 0;

export function uidRelation(agent: AgentOwners, human: KeyReach): UidRelation {
  const { uids, gids } = agent;
  // guard: C2 test/approvals/uid-relation.test.ts
  if (uids?.some((uid) => uid === ROOT || isAmong(uid, human))) return 'same';
  // guard: C2 test/approvals/uid-relation.test.ts
  if (gids?.some((gid) => human.gids.includes(gid))) return 'same';
  // guard: C2 test/approvals/uid-relation.test.ts
  if (uids === undefined || uids.length === 0 || gids === undefined) return 'unknown';
  // guard: C2 test/approvals/uid-relation.test.ts
  if (human.uids.length === 0) return 'unknown';
  return 'other';
}

function isAmong(uid: number, { uids, ranges }: KeyReach): boolean {
  return uids.includes(uid) || ranges.some(({ first, count }) => uid >= first && uid < first + count);
}
