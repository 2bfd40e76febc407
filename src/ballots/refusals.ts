// SPDX-License-Identifier: Apache-2.0
/** The words for "no" to whoever decides. */
import { Failure, quote } from '../lib/failure.ts';

export function notAsked(id: string): Failure {
  return new Failure('not-found', 'APPROVAL_NOT_FOUND', `nobody was asked about ${quote(id)}`, {
    field: 'id',
    value: quote(id),
    hint: 'list what is asked: assay approvals',
  });
}

export function overAlready(id: string, notAfter: number, state = 'over'): Failure {
  const message = `${quote(id)} is not asked any more: it is ${state}, and was asked until ${new Date(notAfter).toISOString()}`;
  return new Failure('failed-precondition', 'APPROVAL_OVER', message, {
    field: 'id',
    value: quote(id),
    hint: 'whoever asks has to ask again',
  });
}

export function countsNothing(id: string, { human, why }: { readonly human: string; readonly why: string }): Failure {
  return new Failure('permission-denied', 'VOTE_COUNTS_NOTHING', `the vote of ${quote(human)} is refused: ${why}`, {
    field: 'human',
    value: quote(human),
    hint: `see what is needed: assay approvals show ${id}`,
  });
}
