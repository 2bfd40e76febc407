// SPDX-License-Identifier: Apache-2.0
/**
 * From what a human submits to a vote: their statement and an OpenSSH signature over it. What comes out is about this request of this
 * daemon and no other, signed by a key of the human whom the statement names.
 */
import { Failure, quote } from '../lib/failure.ts';
import { type Enrolment, strengthOf } from './key-strength.ts';
import type { ApprovalRequest } from './request.ts';
import { type KeysOf, refuseOver, type Submitted, signedBy } from './signed.ts';
import { approvalNamespace, differences, parseStatement, requestDigest, type Statement } from './statement.ts';
import type { Vote } from './votes.ts';

/** What is kept of it besides: whether somebody had to touch a key, and who says that it is one. */
export interface OpenedApproval {
  readonly vote: Omit<Vote, 'decision' | 'withdrawn'>;
  readonly statement: Statement;
  readonly proof: Enrolment['proof'];
  /** The security key's own count of signatures; undefined for a key in software. One that goes back is a sign of a copy. */
  readonly counter: number | undefined;
}

/**
 * `request` is what this daemon asked, `keysOf` who has which keys. Whether the human may decide, and whether what they signed is
 * enough, `votes.ts` judges. What takes an approval back is good as long as there is something to take back: its time is no matter.
 *
 * Throws ('failed-precondition', 'APPROVAL_OTHER_REQUEST' | 'APPROVAL_OVER'), ('permission-denied', 'APPROVAL_KEY_UNKNOWN'), and what
 * `parseStatement` and `verifySshsig` throw.
 */
export function openApproval(
  submitted: Submitted,
  request: ApprovalRequest,
  keysOf: KeysOf,
  now: number,
): OpenedApproval {
  const statement = parseStatement(submitted.statement);
  refuseOther(statement.request, request);
  if (statement.decision !== 'withdraw') refuseOver(request, now);
  const { good, key } = signedBy(statement.human, submitted, approvalNamespace(request.trustDomain), keysOf);
  const vote = { human: statement.human, strength: strengthOf(good, key), fingerprint: good.fingerprint };
  return { vote, statement, proof: key.proof, counter: good.sk?.counter };
}

/** Every field: an approval of another request, of this one as it was before, or of another daemon approves nothing. */
function refuseOther(signed: ApprovalRequest, request: ApprovalRequest): void {
  const fields = differences(signed, request);
  // guard: C4 test/approvals/approval.test.ts
  if (fields.length > 0)
    throw new Failure(
      'failed-precondition',
      'APPROVAL_OTHER_REQUEST',
      `the statement is refused: it is not of the request ${quote(request.id)}, or not as that stands: ${fields.join(', ')}`,
      {
        field: 'statement',
        value: requestDigest(signed),
        hint: `look at it and sign again: assay approve ${request.id}`,
      },
    );
}
