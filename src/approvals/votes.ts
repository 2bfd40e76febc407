// SPDX-License-Identifier: Apache-2.0
/**
 * What votes come to. One human is one vote, with their strongest signature; whoever may vote and rejects ends it; nobody approves what
 * they asked for themselves; and what an agent could have signed by itself is no approval. Judged anew each time by who the voters are
 * then: a key that was taken away takes its vote along.
 */
import type { KeyStrength } from './key-strength.ts';
import type { UidRelation } from './uid-relation.ts';

/** A signature that was verified, over a statement of the very request. */
export interface Vote {
  readonly human: string;
  readonly decision: 'approve' | 'reject';
  readonly strength: KeyStrength;
  /** Of the key. */
  readonly fingerprint: string;
  /** By who signed it, for good: what they signed could be submitted again. A rejection stays: the request is over. */
  readonly withdrawn: boolean;
}

export interface VoterKey {
  readonly fingerprint: string;
  /** Milliseconds; null for no end. */
  readonly notAfter: number | null;
  readonly revoked: boolean;
}

/** Who a human is now. */
export interface Voter {
  readonly active: boolean;
  /** Policy lets them decide on this. */
  readonly entitled: boolean;
  readonly uid: UidRelation;
  readonly keys: readonly VoterKey[];
}

export interface Ballot {
  readonly need: { readonly count: number; readonly strength: KeyStrength; readonly otherUid: boolean };
  /** The human who asks, where it is one. */
  readonly requestedBy: string | null;
  /** Something that is asked for cannot be taken back. */
  readonly irrevocable: boolean;
  readonly notAfter: number;
  readonly votes: readonly Vote[];
  /** By name. Who is not in it may not vote. */
  readonly voters: ReadonlyMap<string, Voter>;
}

export interface CountedApproval {
  readonly human: string;
  readonly strength: KeyStrength;
  readonly uid: UidRelation;
}

export interface Tally {
  readonly state: 'open' | 'approved' | 'rejected' | 'expired';
  /** Those that count, each human once, by name. */
  readonly approvals: readonly CountedApproval[];
  /** Names, sorted. */
  readonly rejectedBy: readonly string[];
  /** Votes that do not count, and why. */
  readonly void: readonly { readonly human: string; readonly fingerprint: string; readonly why: string }[];
  /** How many people are still missing. */
  readonly missing: number;
}

/** Attack C3: what the agent's own uid can reach, software can sign; what cannot be taken back asks for more. */
const SAME_UID_STRENGTH = 2;
const SAME_UID_IRREVOCABLE_STRENGTH = 3;

/** Throws a RangeError for a need of nobody. */
export function tally(ballot: Ballot, now: number): Tally {
  const { need, votes, notAfter } = ballot;
  // guard: C3 test/approvals/votes.test.ts — nobody's approval is none
  if (!Number.isSafeInteger(need.count) || need.count < 1) throw new RangeError(`${need.count} is no number of people`);
  const strongest = new Map<string, CountedApproval>();
  const rejectedBy = new Set<string>();
  const unfit: Tally['void'][number][] = [];
  for (const vote of votes) {
    const voter = ballot.voters.get(vote.human);
    const why = voter === undefined ? 'nobody of this name may vote' : whyVoid(vote, voter, ballot, now);
    if (voter === undefined || why !== undefined) {
      unfit.push({ human: vote.human, fingerprint: vote.fingerprint, why: why ?? '' });
    } else if (vote.decision === 'reject') {
      rejectedBy.add(vote.human);
    } else if ((strongest.get(vote.human)?.strength ?? 0) < vote.strength) {
      strongest.set(vote.human, { human: vote.human, strength: vote.strength, uid: voter.uid });
    }
  }
  const approvals = [...strongest.values()].sort((a, b) => (a.human < b.human ? -1 : 1));
  const missing = Math.max(0, need.count - approvals.length);
  const state = stateOf(rejectedBy.size > 0, now >= notAfter, missing);
  return { state, approvals, rejectedBy: [...rejectedBy].sort(), void: unfit, missing };
}

function stateOf(isRejected: boolean, isOver: boolean, missing: number): Tally['state'] {
  // guard: C3 test/approvals/votes.test.ts
  if (isRejected) return 'rejected';
  // guard: C4 test/approvals/votes.test.ts
  if (isOver) return 'expired';
  return missing === 0 ? 'approved' : 'open';
}

/** Undefined for one that counts. */
function whyVoid(vote: Vote, voter: Voter, ballot: Ballot, now: number): string | undefined {
  // guard: C2 test/approvals/votes.test.ts
  if (!voter.active) return 'they have left';
  // guard: C1 test/approvals/votes.test.ts
  if (!voter.entitled) return 'policy does not let them decide on this';
  const keyTrouble = whyKeyUnfit(vote, voter, ballot, now);
  // guard: C3 test/approvals/votes.test.ts
  if (keyTrouble !== undefined) return keyTrouble;
  // A rejection takes nothing but what was asked for, so whoever may decide may always refuse.
  if (vote.decision === 'reject') return undefined;
  const isWithdrawn = ballot.votes.some(
    ({ human, decision, withdrawn }) => withdrawn && decision === 'approve' && human === vote.human,
  );
  // guard: C4 test/approvals/votes.test.ts — all of theirs: whoever kept a copy of it would submit that
  if (isWithdrawn) return 'they withdrew their approval';
  // guard: C1 test/approvals/votes.test.ts
  if (vote.human === ballot.requestedBy) return 'they asked for it themselves';
  return whyTooWeak(vote, voter, ballot);
}

function whyKeyUnfit(vote: Vote, voter: Voter, { voters }: Ballot, now: number): string | undefined {
  const key = voter.keys.find(({ fingerprint }) => fingerprint === vote.fingerprint);
  if (key === undefined) return 'the key is not theirs';
  if (key.revoked) return 'the key was taken back';
  if (key.notAfter !== null && now >= key.notAfter) return 'the key is past its end';
  const holders = [...voters.values()].filter(({ keys }) => keys.some((one) => one.fingerprint === vote.fingerprint));
  return holders.length > 1 ? 'the key is more than one human’s' : undefined;
}

function whyTooWeak(vote: Vote, voter: Voter, { need, irrevocable }: Ballot): string | undefined {
  if (vote.strength < need.strength) return `its strength is ${vote.strength}, not ${need.strength}`;
  if (voter.uid === 'other') return undefined;
  // guard: C2 test/approvals/votes.test.ts
  if (need.otherUid) return 'the agent may reach their keys, and another’s approval is asked for';
  const least = irrevocable ? SAME_UID_IRREVOCABLE_STRENGTH : SAME_UID_STRENGTH;
  return vote.strength < least ? `the agent may reach their keys: a strength of ${least} is needed` : undefined;
}
