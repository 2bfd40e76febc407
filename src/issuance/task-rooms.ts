// SPDX-License-Identifier: Apache-2.0
/**
 * The rooms of the path as they are within one task: who calls must be one of its processes, its identity is the only one
 * there is, and what is issued carries the task. All else is as for everybody.
 */
import type { Attested } from '../attestation/attested.ts';
import type { Strength } from '../identity/strength.ts';
import { Failure } from '../lib/failure.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Lease } from '../registry/match.ts';
import type { Rooms } from './rooms.ts';

export interface TaskScope {
  readonly taskId: string;
  /**
   * What may be issued in it to a process of these selectors, asked anew each time: undefined once the task is over, or before
   * it began. Throws a Failure('permission-denied') where policy says no.
   */
  lease(selectors: ReadonlyMap<string, Strength>): Lease | undefined;
  /** Resolves where the process is one of the task's. Rejects with Failure('permission-denied') where it is not, or no longer. */
  requireMember(process: ProcessHandle, signal: AbortSignal): Promise<void>;
}

/** What everything within a task rests on: told when the task ends. */
export function taskGround(taskId: string): string {
  return `task:${taskId}`;
}

export function taskRooms(rooms: Rooms, scope: TaskScope): Rooms {
  const ground = taskGround(scope.taskId);
  return {
    ...rooms,
    attestation: {
      onChange: (listener) => rooms.attestation.onChange(listener),
      restedOn: (one, resting) => {
        if (one !== ground) rooms.attestation.restedOn(one, resting);
      },
      async attest(process, signal): Promise<Attested> {
        // guard: A12 test/issuance/task.test.ts
        await scope.requireMember(process, signal);
        const attested = await rooms.attestation.attest(process, signal);
        return { ...attested, restsOn: [...attested.restsOn, ground] };
      },
    },
    registry: {
      match: (selectors, now) => {
        const lease = scope.lease(selectors);
        // guard: I7 test/issuance/task.test.ts
        if (lease === undefined) throw over(scope.taskId);
        return rooms.registry.match(selectors, now, lease);
      },
      entriesOf: (spiffeId) => rooms.registry.entriesOf(spiffeId),
      foreignBundle: (trustDomain) => rooms.registry.foreignBundle(trustDomain),
      names: (kind) => rooms.registry.names(kind),
    },
  };
}

function over(taskId: string): Failure {
  return new Failure('permission-denied', 'TASK_OVER', `task ${taskId} is over`, {
    field: 'task',
    value: taskId,
    hint: 'begin another: assay task run',
  });
}
