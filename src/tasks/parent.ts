// SPDX-License-Identifier: Apache-2.0
/** Which task another one is begun below: one that is active, of which the caller is a member and whose intents have what is asked. */
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { TaskRecord } from '../store/tasks.ts';
import type { LiveTask } from './live-task.ts';
import { parentGone, parentTooNarrow } from './refusals.ts';
import { isWithin, type TaskRequest } from './request.ts';
import type { TaskRooms } from './rooms.ts';

/** Throws Failure('permission-denied'). */
export function parentFor(
  { isBelow }: Pick<TaskRooms, 'isBelow'>,
  live: LiveTask | undefined,
  process: ProcessHandle,
  { parent, intents }: TaskRequest,
): TaskRecord {
  // guard: A12 test/tasks/members.test.ts
  if (live?.record.state !== 'active' || !isBelow(process, live.leader)) throw parentGone(parent);
  // guard: C1 test/tasks/members.test.ts
  if (!isWithin(intents, live.record.intents)) throw parentTooNarrow(parent);
  return live.record;
}
