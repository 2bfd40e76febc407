// SPDX-License-Identifier: Apache-2.0
/** People as columns, and back. */

import type { HumanKey, HumanRecord } from '../humans.ts';
import { words } from '../packed.ts';
import { type Named, namedRow } from './row-payload.ts';
import type { Value } from './wire.ts';

export const HUMAN_COLUMNS = 'name, email, uids, teams, active, left_reason, created_at, created_by, revision';
export const KEY_COLUMNS = 'fingerprint, type, blob, added_at, added_by';
export const HUMAN_REVISION = 8;

export function humanValues(human: HumanRecord): Value[] {
  const { name, email, uids, teams, active, leftReason, createdAt, createdBy, revision } = human;
  return [name, email, uids.join(' '), teams.join(' '), Number(active), leftReason, createdAt, createdBy, revision];
}

export function keyValues({ fingerprint, type, blob, addedAt, addedBy }: HumanKey): Value[] {
  return [fingerprint, type, blob, addedAt, addedBy];
}

/** What the event says: the person with all their keys, by fingerprint. */
export function humanRow(values: readonly Value[], keys: readonly (readonly Value[])[]): Named {
  const sorted = keys.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
  return { ...namedRow(HUMAN_COLUMNS, values), keys: sorted.map((key) => namedRow(KEY_COLUMNS, key)) };
}

export function humanOf(row: readonly unknown[], keys: readonly (readonly unknown[])[]): HumanRecord {
  return {
    name: row[0] as string,
    email: row[1] as string | null,
    uids: words(row[2] as string).map(Number),
    teams: words(row[3] as string),
    active: row[4] === 1,
    leftReason: row[5] as string | null,
    createdAt: row[6] as number,
    createdBy: row[7] as string,
    revision: row[8] as number,
    keys: keys.map(keyOf),
  };
}

function keyOf(row: readonly unknown[]): HumanKey {
  return {
    fingerprint: row[0] as string,
    type: row[1] as string,
    blob: row[2] as string,
    addedAt: row[3] as number,
    addedBy: row[4] as string,
  };
}
