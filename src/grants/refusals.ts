// SPDX-License-Identifier: Apache-2.0
/** The words for "no" about grants. */
import { Failure, quote } from '../lib/failure.ts';

export function notGiven(id: string, why: string): Failure {
  return new Failure('permission-denied', 'GRANT_NOT_GIVEN', `no task under grant ${quote(id)}: ${why}`, {
    field: 'grant',
    value: quote(id),
    hint: 'begin it without a grant, or ask for another: assay grant request',
  });
}

export function grantDenied(reasons: string): Failure {
  return new Failure('permission-denied', 'GRANT_DENIED', `the grant was denied: ${reasons}`, {
    field: 'intents',
    value: 'these',
    hint: 'policy would begin no such task: ask for less, or have policy changed',
  });
}

export function unfitGrant(field: string, value: string, why: string, hint: string): Failure {
  return new Failure('invalid-argument', 'GRANT_INVALID', `${field} ${quote(value)} is refused: ${why}`, {
    field,
    value: quote(value),
    hint,
  });
}
