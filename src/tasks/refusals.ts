// SPDX-License-Identifier: Apache-2.0
/** The words for "no" to whoever asks for a task. */
import { Failure, quote } from '../lib/failure.ts';

export function denied(id: string, reasons: string): Failure {
  return new Failure('permission-denied', 'TASK_DENIED', `task ${id} was denied: ${reasons}`, {
    field: 'task',
    value: id,
    hint: `an operator sees why: assay task show ${id}`,
  });
}

export function notIssued(id: string, reasons: string): Failure {
  return new Failure('permission-denied', 'TASK_ISSUE_DENIED', `nothing is issued in task ${id}: ${reasons}`, {
    field: 'task',
    value: id,
    hint: `an operator sees why: assay task show ${id}`,
  });
}

export function leaderOnly(id: string): Failure {
  return new Failure('permission-denied', 'NOT_IN_TASK', `this process does not belong to task ${quote(id)}`, {
    field: 'task',
    value: quote(id),
    hint: 'only the process that began a task, and what it started, does',
  });
}

export function parentGone(id: string): Failure {
  return new Failure('permission-denied', 'PARENT_NOT_HELD', `task ${quote(id)} is no active task of this process`, {
    field: 'parent',
    value: quote(id),
    hint: 'begin below a task that you, or whoever started you, hold',
  });
}

export function parentTooNarrow(id: string): Failure {
  return new Failure('permission-denied', 'INTENT_NOT_IN_PARENT', `an intent is not among those of task ${id}`, {
    field: 'intents',
    value: id,
    hint: 'a child may do no more than its parent; begin one without a parent for the rest',
  });
}

export function tooDeep(most: number): Failure {
  return new Failure('resource-exhausted', 'TASK_TOO_DEEP', `tasks are nested ${most} deep at most`, {
    field: 'parent',
    value: String(most),
    hint: 'begin it below a task nearer to the first',
  });
}

export function limit(field: string, most: number): Failure {
  return new Failure(
    'resource-exhausted',
    'LIMIT_REACHED',
    `${most} tasks are open, the most there may be (${field})`,
    {
      field,
      value: String(most),
      hint: 'end some, or have an operator raise it',
    },
  );
}

/** A registry that changes faster than a task can be written. */
export const STALE_TRIES = 5;
