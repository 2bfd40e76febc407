// SPDX-License-Identifier: Apache-2.0
/** Findings as rows. */
import type { FindingKind, FindingRecord } from '../findings.ts';
import { type Named, namedRow } from './row-payload.ts';
import type { Value } from './wire.ts';

export const FINDING_COLUMNS =
  'id, detector, identity, task, evidence, opened_at, last_seen_at, count, closed_at, closed_by, resolution';

export function findingOf(row: readonly unknown[]): FindingRecord {
  return {
    id: row[0] as number,
    detector: row[1] as FindingKind,
    identity: row[2] as string,
    task: row[3] as string | null,
    evidence: row[4] as string,
    openedAt: row[5] as number,
    lastSeenAt: row[6] as number,
    count: row[7] as number,
    closedAt: row[8] as number | null,
    closedBy: row[9] as string | null,
    resolution: row[10] as string | null,
  };
}

/** Counted on while it is open, without an event each time. */
const COUNTED = ['last_seen_at', 'count'];

/** What its events say: the row as it was opened, or closed. */
export function findingRow(values: readonly Value[]): Named {
  return namedRow(FINDING_COLUMNS, values, COUNTED);
}
