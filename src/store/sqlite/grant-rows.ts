// SPDX-License-Identifier: Apache-2.0
/** Grants as rows. */
import type { GrantRecord, GrantState } from '../grants.ts';
import { type Named, namedRow } from './row-payload.ts';
import { intentsOf, intentsText } from './task-rows.ts';
import type { Value } from './wire.ts';

export const GRANT_COLUMNS =
  'id, identity, intents, purpose, window_from, window_to, max_task_ttl, max_tasks, used, requested_by, digest, state, state_since, state_reason, created_at, revision, break_glass';
/** Where in the values. */
export const GRANT = { id: 0, identity: 1, windowTo: 5, digest: 10, state: 11, createdAt: 14, breakGlass: 16 } as const;

export function grantValues(grant: GrantRecord): Value[] {
  return [
    grant.id,
    grant.identity,
    intentsText(grant.intents),
    grant.purpose,
    grant.windowFrom,
    grant.windowTo,
    grant.maxTaskTtlMs,
    grant.maxTasks,
    grant.used,
    grant.requestedBy,
    grant.digest,
    grant.state,
    grant.stateSince,
    grant.stateReason,
    grant.createdAt,
    grant.revision,
    grant.breakGlass ? 1 : null,
  ];
}

export function grantOf(row: readonly unknown[]): GrantRecord {
  return {
    id: row[0] as string,
    identity: row[1] as string,
    intents: intentsOf(row[2]),
    purpose: row[3] as string,
    windowFrom: row[4] as number,
    windowTo: row[5] as number,
    maxTaskTtlMs: row[6] as number,
    maxTasks: row[7] as number,
    used: row[8] as number,
    requestedBy: row[9] as string,
    digest: row[10] as string,
    state: row[11] as GrantState,
    stateSince: row[12] as number,
    stateReason: row[13] as string | null,
    createdAt: row[14] as number,
    revision: row[15] as number,
    breakGlass: row[16] === 1,
  };
}

/** What its events say. */
export function grantRow(values: readonly Value[]): Named {
  return namedRow(GRANT_COLUMNS, values);
}
