// SPDX-License-Identifier: Apache-2.0
/** Whose signature it is: by the key, and by nothing that comes with it. */
import { Failure, quote } from '../lib/failure.ts';
import type { Enrolment } from './key-strength.ts';
import { type GoodSignature, verifySshsig } from './sshsig.ts';

export interface Submitted {
  /** As it was signed: canonical, without a line end. */
  readonly statement: string;
  /** Armored. */
  readonly signature: string;
}

export interface ApproverKey extends Enrolment {
  /** The key as OpenSSH writes it on the wire, base64. */
  readonly blob: string;
}

/** Who has which keys now. */
export type KeysOf = (human: string) => readonly ApproverKey[];

/** Throws ('permission-denied', 'APPROVAL_KEY_UNKNOWN') where the key is none of this human, and what `verifySshsig` throws. */
export function signedBy(
  human: string,
  { statement, signature }: Submitted,
  namespace: string,
  keysOf: KeysOf,
): { readonly good: GoodSignature; readonly key: ApproverKey } {
  const good = verifySshsig(signature, Buffer.from(statement), namespace);
  const key = keysOf(human).find(({ blob }) => blob === good.keyBlob);
  // guard: C2 test/approvals/approval.test.ts — who submits it says nothing; whose key it is does
  if (key === undefined) throw unknownKey(human, good.fingerprint);
  return { good, key };
}

/** Throws ('failed-precondition', 'APPROVAL_OVER'). */
export function refuseOver({ notAfter }: { readonly notAfter: number }, now: number): void {
  // guard: C4 test/approvals/approval.test.ts
  if (now >= notAfter) throw over(notAfter);
}

function over(notAfter: number): Failure {
  const end = new Date(notAfter).toISOString();
  return new Failure('failed-precondition', 'APPROVAL_OVER', `the statement is refused: it was good until ${end}`, {
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
