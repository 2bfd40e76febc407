// SPDX-License-Identifier: Apache-2.0
/** One vote: signed by a key of whoever it names, over the very request, in time. */
import type { KeyStrength } from '../approvals/key-strength.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { type GoodSignature, verifySshsig } from '../approvals/sshsig.ts';
import { approvalNamespace, differences, parseStatement, type Statement } from '../approvals/statement.ts';
import type { Vote } from '../approvals/votes.ts';
import { Failure } from '../lib/failure.ts';
import type { Row } from './row.ts';
import type { Verdict } from './verdict.ts';
import { mostShown } from './vouch-checks.ts';

/** Keys of people as whoever verifies knows them: by name, as OpenSSH writes them on the wire, base64. */
export type KnownKeys = ReadonlyMap<string, readonly string[]>;

/** Also where somebody took theirs back. */
export interface ProvenVote extends Omit<Vote, 'decision' | 'withdrawn'> {
  readonly decision: Statement['decision'];
  readonly seq: number;
  readonly at: number;
  /** In their words. */
  readonly reason: string | null;
  readonly keyType: string;
  readonly keyBlob: string;
  /** none, stated, attested: how the key is known to be hardware. */
  readonly proof: string;
  /** When the key became theirs, by whom. */
  readonly enrolled: { readonly at: number; readonly by: string } | undefined;
  /** Whoever verifies knows the key by themselves. */
  readonly isKnown: boolean;
}

export function checkVote(
  row: Row,
  request: ApprovalRequest,
  humans: readonly Row[],
  known: KnownKeys,
  verdict: Verdict,
): ProvenVote {
  const { seq, at, kind } = row.event;
  const human = row.text('human');
  const name = `event ${seq} (${kind}) by ${human}`;
  const statement = parseStatement(row.text('statement'));
  refuseOther(row, statement, request, name, verdict);
  const good = signatureOf(row, request, name, verdict);
  const key = keyOf(humans, human, seq, good);
  // guard: C2 test/evidence/approvals.test.ts
  verdict.require(key !== undefined, `${name}: by the log, the key was not theirs then`);
  const theirs = known.get(human);
  // guard: C2 test/evidence/approvals.test.ts
  verdict.require(
    theirs === undefined || (good !== undefined && theirs.includes(good.keyBlob)),
    `${name}: the key is none of those that were given for them`,
  );
  const strength = row.whole('strength') as KeyStrength;
  const proof = row.text('proof');
  const shown = proof === 'none' ? 1 : mostShown(good, key, humans, name, verdict);
  // guard: C3 test/evidence/approvals.test.ts
  verdict.require(strength <= shown, `${name}: its strength ${strength} is more than the signature shows`);
  return {
    ...{ seq, at, human, strength, proof, reason: statement.reason, decision: statement.decision },
    fingerprint: good?.fingerprint ?? row.text('fingerprint'),
    keyType: good?.keyType ?? '',
    keyBlob: good?.keyBlob ?? '',
    enrolled: key && { at: key.whole('added_at'), by: key.text('added_by') },
    isKnown: theirs !== undefined,
  };
}

function refuseOther(row: Row, statement: Statement, request: ApprovalRequest, name: string, verdict: Verdict): void {
  const { at, kind } = row.event;
  const isAsRow =
    statement.human === row.text('human') &&
    statement.decision === row.text('decision') &&
    kind === `vote.${statement.decision}` &&
    row.text('request') === request.id;
  // guard: C4 test/evidence/approvals.test.ts
  verdict.require(isAsRow, `${name}: it is not what was signed`);
  const odd = differences(statement.request, request);
  // guard: C4 test/evidence/approvals.test.ts
  verdict.require(odd.length === 0, `${name}: what was signed is not what was asked: ${odd.join(', ')}`);
  const isInTime = statement.decision === 'withdraw' || at < request.notAfter;
  // guard: C4 test/evidence/approvals.test.ts
  verdict.require(at === row.whole('at') && isInTime, `${name}: it came when the time to answer was over`);
}

function signatureOf(row: Row, request: ApprovalRequest, name: string, verdict: Verdict): GoodSignature | undefined {
  try {
    const message = Buffer.from(row.text('statement'));
    const good = verifySshsig(row.text('signature'), message, approvalNamespace(request.trustDomain));
    // guard: C2 test/evidence/approvals.test.ts
    verdict.require(good.fingerprint === row.text('fingerprint'), `${name}: it was signed by another key`);
    return good;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    verdict.require(false, `${name}: ${error.message}`);
    return undefined;
  }
}

/** Of the person as they last were before `seq`. */
function keyOf(humans: readonly Row[], name: string, seq: number, good: GoodSignature | undefined): Row | undefined {
  const human = humanAt(humans, name, seq);
  if (human === undefined || human.whole('active') !== 1 || good === undefined) return undefined;
  return human
    .rows('keys')
    .find((key) => key.text('fingerprint') === good.fingerprint && key.text('blob') === good.keyBlob);
}

/** The latest event of a person before this one that the file has. */
export function humanAt(humans: readonly Row[], name: string, seq: number): Row | undefined {
  return humans.findLast((row) => row.text('name') === name && row.event.seq < seq);
}
