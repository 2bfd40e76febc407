// SPDX-License-Identifier: Apache-2.0
/** A helper that did not answer what it was asked: the look fails, and is never a lesser one. */
import { Failure } from '../lib/failure.ts';
import type { FileAnswer } from './file-jobs.ts';

export function unanswered(answer: FileAnswer, what: 'executable' | 'script' | 'arguments'): Failure {
  return failed(answer, `the caller’s ${what} could not be read`);
}

export function lookFailed(answer: FileAnswer): Failure {
  return failed(answer, 'the caller could not be looked at');
}

function failed(answer: FileAnswer, what: string): Failure {
  const why = 'reason' in answer ? answer.reason : 'the helper answered another question';
  return new Failure('unavailable', 'CALLER_UNREADABLE', `${what}: ${why}`, { hint: 'try again' });
}
