// SPDX-License-Identifier: Apache-2.0
/** What the votes on a request come to as people are now. Pure, but for what its rooms know of people. */
import type { KeyStrength } from '../approvals/key-strength.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { parseRequest } from '../approvals/statement.ts';
import { type AgentOwners, uidRelation } from '../approvals/uid-relation.ts';
import { type Tally, tally, type Vote, type Voter } from '../approvals/votes.ts';
import { parseJsonText } from '../lib/json-text.ts';
import type { ApprovalRecord, VoteRecord } from '../store/approvals.ts';
import type { HumanRecord } from '../store/humans.ts';
import type { JudgingRooms } from './rooms.ts';

export type CastVote = Pick<VoteRecord, 'human' | 'decision' | 'fingerprint' | 'strength'>;

export function requestOf(record: ApprovalRecord): ApprovalRequest {
  return parseRequest(parseJsonText(record.request, 'request'));
}

export function judge(rooms: JudgingRooms, record: ApprovalRecord, cast: readonly CastVote[], now: number): Tally {
  const votes = standing(cast);
  const request = requestOf(record);
  const { uids, gids } = JSON.parse(record.agent) as { uids: number[] | null; gids: number[] | null };
  const agent: AgentOwners = { uids: uids ?? undefined, gids: gids ?? undefined };
  const voters = new Map(
    [...Map.groupBy(votes, ({ human }) => human)].flatMap(([name, theirs]): [string, Voter][] => {
      const human = rooms.people.get(name);
      return human === undefined ? [] : [[name, voterOf(rooms, human, theirs, request, agent, now)]];
    }),
  );
  const ballot = {
    need: { count: request.needCount, strength: request.needStrength, otherUid: request.needOtherUid },
    requestedBy: request.requestedBy,
    irrevocable: request.targets.some(({ irrevocable }) => irrevocable),
    notAfter: request.notAfter,
    votes,
    voters,
  };
  return tally(ballot, now);
}

function voterOf(
  rooms: JudgingRooms,
  human: HumanRecord,
  votes: readonly Vote[],
  request: ApprovalRequest,
  agent: AgentOwners,
  at: number,
): Voter {
  const strength = Math.max(...votes.map((vote) => vote.strength)) as KeyStrength;
  const uid = uidRelation(agent, rooms.reachOf(human));
  return {
    active: human.active,
    entitled: rooms.mayDecide({ human, request, strength, uid, at }),
    uid,
    // A key that was taken away is not among them.
    keys: human.keys.map(({ fingerprint }) => ({ fingerprint, notAfter: null, revoked: false })),
  };
}

/** What was taken back stays, as that: it is none of the votes, and says of another that it counts no more. */
function standing(cast: readonly CastVote[]): readonly Vote[] {
  const takenBack = new Set(cast.filter(({ decision }) => decision === 'withdraw').map(({ human }) => human));
  return cast.flatMap(({ human, decision, fingerprint, strength }) =>
    decision === 'withdraw'
      ? []
      : { human, decision, fingerprint, strength: strength as KeyStrength, withdrawn: takenBack.has(human) },
  );
}
