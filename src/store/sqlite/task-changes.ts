// SPDX-License-Identifier: Apache-2.0
/** What listeners are told of tasks. */
import type { Change } from '../records.ts';
import type { RevokedSvid } from '../revocations.ts';
import type { TaskRecord } from '../tasks.ts';
import { taskOf } from './task-rows.ts';
import type { EndedAnswer } from './wire.ts';

export function taskChange(seq: number, task: TaskRecord, by: string, at: number): Change {
  return { seq, at, by, kind: 'task', action: 'put', key: task.id, task };
}

/** In sequence: each task, and what it was given. */
export function endedChanges(ended: readonly EndedAnswer[], by: string, at: number): readonly Change[] {
  return ended.flatMap(({ row, seq, revokedSeq, revoked }) => {
    const task = taskOf(row);
    return [taskChange(seq, task, by, at), ...revocationChanges(revokedSeq, task.id, revoked, by, at)];
  });
}

/** None where nothing was revoked. */
export function revocationChanges(
  seq: number,
  key: string,
  revoked: readonly RevokedSvid[],
  by: string,
  at: number,
): readonly Change[] {
  return revoked.length === 0 ? [] : [{ seq, at, by, kind: 'revocation', action: 'put', key, revoked }];
}
