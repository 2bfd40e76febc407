// SPDX-License-Identifier: Apache-2.0
/**
 * From what a human submits to a vote: their statement and an OpenSSH signature over it. What comes out is about this request of this
 * daemon and no other, signed by a key of the human whom the statement names.
 */
import { Failure, quote } from '../lib/failure.ts';
import { type Enrolment, strengthOf } from './key-strength.ts';
import type { ApprovalRequest } from './request.ts';
import { verifySshsig } from './sshsig.ts';
import { approvalNamespace, differences, parseStatement, requestDigest, type Statement } from './statement.ts';
import type { Vote } from './votes.ts';

export interface SubmittedApproval {
  /** As it was signed: canonical, without a line end. */
  readonly statement: string;
  /** Armored. */
  readonly signature: string;
}

export interface ApproverKey extends Enrolment {
  /** The key as OpenSSH writes it on the wire, base64. */
  readonly blob: string;
}

/** What is kept of it besides: whether somebody had to touch a key, and who says that it is one. */
export interface OpenedApproval {
  readonly vote: Vote;
  readonly statement: Statement;
  readonly proof: Enrolment['proof'];
  /** The security key's own count of signatures; undefined for a key in software. One that goes back is a sign of a copy. */
  readonly counter: number | undefined;
}

/**
 * `request` is what this daemon asked, `keysOf` who has which keys. Whether the human may decide, and whether what they signed is
 * enough, `votes.ts` judges.
 *
 * Throws ('failed-precondition', 'APPROVAL_OTHER_REQUEST' | 'APPROVAL_OVER'), ('permission-denied', 'APPROVAL_KEY_UNKNOWN'), and what
 * `parseStatement` and `verifySshsig` throw.
 */
export function openApproval(
  submitted: SubmittedApproval,
  request: ApprovalRequest,
  keysOf: (human: string) => readonly ApproverKey[],
  now: number,
): OpenedApproval {
  const statement = parseStatement(submitted.statement);
  refuseOther(statement.request, request);
  // guard: C4 test/approvals/approval.test.ts
  if (now >= request.notAfter) throw over(request);
  const namespace = approvalNamespace(request.trustDomain);
  const good = verifySshsig(submitted.signature, Buffer.from(submitted.statement), namespace);
  const key = keysOf(statement.human).find(({ blob }) => blob === good.keyBlob);
  // guard: C2 test/approvals/approval.test.ts — who submits it says nothing; whose key it is does
  if (key === undefined) throw unknownKey(statement.human, good.fingerprint);
  const { human, decision } = statement;
  const strength = strengthOf(good, key);
  const vote = { human, decision, strength, fingerprint: good.fingerprint, withdrawn: false };
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

function over({ id, notAfter }: ApprovalRequest): Failure {
  const end = new Date(notAfter).toISOString();
  return new Failure('failed-precondition', 'APPROVAL_OVER', `the request ${quote(id)} was over at ${end}`, {
    field: 'not_after',
    value: end,
    hint: 'whoever asks has to ask again',
  });
}

function unknownKey(human: string, fingerprint: string): Failure {
  const message = `the signature is refused: its key ${fingerprint} is none of ${quote(human)}`;
  return new Failure('permission-denied', 'APPROVAL_KEY_UNKNOWN', message, {
    field: 'signature',
    value: fingerprint,
    hint: `see which are: assay human show ${human}`,
  });
}
