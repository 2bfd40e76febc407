// SPDX-License-Identifier: Apache-2.0
/** Which task another one is begun below: one that is active, of which the caller is a member and whose intents have what is asked. */
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { TaskRecord } from '../store/tasks.ts';
import type { LiveTask } from './live-task.ts';
import { parentGone, parentTooNarrow } from './refusals.ts';
import { isWithin, type TaskRequest } from './request.ts';
import type { TaskRooms } from './rooms.ts';

/** `identity`: whose it would be. Throws Failure('permission-denied'). */
export function parentFor(
  { isBelow, noticed }: Pick<TaskRooms, 'isBelow' | 'noticed'>,
  live: LiveTask | undefined,
  process: ProcessHandle,
  { parent, intents }: TaskRequest,
  identity: string,
): TaskRecord {
  // guard: A12 test/tasks/members.test.ts
  if (live?.record.state !== 'active' || !isBelow(process, live.leader)) throw parentGone(parent);
  const isCovered = isWithin(intents, live.record.intents);
  if (!isCovered) noticed?.({ kind: 'not-in-parent', identity, parent: live.record, intents, process });
  // guard: C1 test/tasks/members.test.ts
  if (!isCovered) throw parentTooNarrow(parent);
  return live.record;
}
