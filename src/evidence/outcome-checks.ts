// SPDX-License-Identifier: Apache-2.0
/** What the votes came to, counted again. */
import type { ApprovalRequest } from '../approvals/request.ts';
import { uidRelation } from '../approvals/uid-relation.ts';
import { type Tally, tally, type Vote, type Voter } from '../approvals/votes.ts';
import type { ProvenApproval } from './approval-checks.ts';
import type { Row } from './row.ts';
import type { Verdict } from './verdict.ts';
import { humanAt, type ProvenVote } from './vote-checks.ts';

export function checkOutcome(
  opened: Row,
  asked: readonly Row[],
  votes: readonly ProvenVote[],
  humans: readonly Row[],
  request: ApprovalRequest,
  verdict: Verdict,
): ProvenApproval['counted'] {
  const approved = asked.find(({ event }) => event.kind === 'approval.approved');
  const rejected = asked.find(({ event }) => event.kind === 'approval.rejected');
  const end = approved ?? rejected ?? asked.at(-1) ?? opened;
  const count = countVotes({ request, opened, votes }, humans, end.event);
  const name = `event ${end.event.seq} (${end.event.kind})`;
  // guard: C1 test/evidence/approvals.test.ts
  verdict.require(approved === undefined || count.state === 'approved', `${name}: the votes do not come to that`);
  // guard: C1 test/evidence/approvals.test.ts
  verdict.require(
    approved !== undefined || count.state !== 'approved' || end.text('state') !== 'pending',
    `${name}: the votes come to more than it says`,
  );
  for (const { human, why } of count.void) verdict.remark(`the vote of ${human} does not count: ${why}`);
  return count.approvals.map(({ human, uid }) => ({ human, uid }));
}

/** As the votes were at this event: what was taken back before is none. */
function standing(votes: readonly ProvenVote[], seq: number): readonly Vote[] {
  const back = votes.filter((vote) => vote.decision === 'withdraw' && vote.seq < seq).map(({ human }) => human);
  return votes.flatMap(({ decision, ...vote }) =>
    decision === 'withdraw' ? [] : { ...vote, decision, withdrawn: back.includes(vote.human) },
  );
}

/** What votes come to by who people are at this event. */
export function countVotes(
  { request, opened, votes }: Pick<ProvenApproval, 'request' | 'opened' | 'votes'>,
  humans: readonly Row[],
  { seq, at }: { readonly seq: number; readonly at: number },
): Tally {
  return tally(
    {
      need: { count: request.needCount, strength: request.needStrength, otherUid: request.needOtherUid },
      requestedBy: request.requestedBy,
      irrevocable: request.targets.some(({ irrevocable }) => irrevocable),
      notAfter: request.notAfter,
      votes: standing(votes, seq),
      voters: votersOf(votes, humans, opened, seq),
    },
    at,
  );
}

/**
 * Whether policy let them decide, and who else reaches their keys (subordinate uids, groups), was for the daemon to know: here they may,
 * and the uids on their record are all.
 */
function votersOf(
  votes: readonly ProvenVote[],
  humans: readonly Row[],
  opened: Row,
  seq: number,
): ReadonlyMap<string, Voter> {
  const agent = opened.inner('agent');
  const owners = { uids: agent.wholes('uids'), gids: agent.wholes('gids') };
  return new Map(
    votes.flatMap(({ human }): [string, Voter][] => {
      const row = humanAt(humans, human, seq);
      if (row === undefined) return [];
      const uids = row.text('uids').split(' ').filter(Boolean).map(Number);
      return [
        [
          human,
          {
            active: row.whole('active') === 1,
            entitled: true,
            uid: uidRelation(owners, { uids, ranges: [], gids: [] }),
            keys: row.rows('keys').map((key) => ({
              ...{ fingerprint: key.text('fingerprint'), notAfter: null, revoked: false },
            })),
          },
        ],
      ];
    }),
  );
}
