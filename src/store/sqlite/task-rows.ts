// SPDX-License-Identifier: Apache-2.0
/** Tasks as rows. */
import { canonicalJson } from '../../lib/canonical-json.ts';
import type { TaskEnd, TaskIntent, TaskRecord, TaskState } from '../tasks.ts';
import { type Named, namedRow } from './row-payload.ts';
import type { Value } from './wire.ts';

export const TASK_COLUMNS =
  'id, identity, parent, root, depth, purpose, intents, deadline, pid, uid, gid, start_time, attested, digest, policy_hash, state, state_since, end, end_reason, created_at, revision, grant';
/** Where in the values. */
export const TASK = { id: 0, identity: 1, parent: 2, deadline: 7, state: 15, revision: 20, grant: 21 } as const;

export function taskValues(task: TaskRecord): Value[] {
  return [
    task.id,
    task.identity,
    task.parent,
    task.root,
    task.depth,
    task.purpose,
    intentsText(task.intents),
    task.deadline,
    task.pid,
    task.uid,
    task.gid,
    task.startTime,
    task.attested,
    task.digest,
    task.policyHash,
    task.state,
    task.stateSince,
    task.end,
    task.endReason,
    task.createdAt,
    task.revision,
    task.grant,
  ];
}

/** Triples, never objects with names of others (attack B7). */
export function intentsText(intents: readonly TaskIntent[]): string {
  return canonicalJson(intents.map(({ target, action, resource }) => [target, action, resource]));
}

/** As `intentsText` wrote them. */
export function intentsOf(text: unknown): readonly TaskIntent[] {
  const intents = JSON.parse(text as string) as [string, string, string | null][];
  return intents.map(([target, action, resource]) => ({ target, action, resource }));
}

export function taskOf(row: readonly unknown[]): TaskRecord {
  return {
    id: row[0] as string,
    identity: row[1] as string,
    parent: row[2] as string | null,
    root: row[3] as string,
    depth: row[4] as number,
    purpose: row[5] as string,
    intents: intentsOf(row[6]),
    deadline: row[7] as number,
    pid: row[8] as number,
    uid: row[9] as number,
    gid: row[10] as number,
    startTime: row[11] as string,
    attested: row[12] as string,
    digest: row[13] as string,
    policyHash: row[14] as string,
    state: row[15] as TaskState,
    stateSince: row[16] as number,
    end: row[17] as TaskEnd | null,
    endReason: row[18] as string | null,
    createdAt: row[19] as number,
    revision: row[20] as number,
    grant: row[21] as string | null,
  };
}

/** What its events say. */
export function taskRow(values: readonly Value[]): Named {
  return namedRow(TASK_COLUMNS, values);
}
