// SPDX-License-Identifier: Apache-2.0
/** People as columns, and back. */

import type { HumanKey, HumanRecord, VouchedKey } from '../humans.ts';
import { words } from '../packed.ts';
import { type Named, namedRow } from './row-payload.ts';
import type { Value } from './wire.ts';

export const HUMAN_COLUMNS = 'name, email, uids, teams, active, left_reason, created_at, created_by, revision';
export const KEY_COLUMNS =
  'fingerprint, type, blob, added_at, added_by, highest, vouched_at, vouch_statement, vouch_signature';
export const HUMAN_REVISION = 8;

export function humanValues(human: HumanRecord): Value[] {
  const { name, email, uids, teams, active, leftReason, createdAt, createdBy, revision } = human;
  return [name, email, uids.join(' '), teams.join(' '), Number(active), leftReason, createdAt, createdBy, revision];
}

export function keyValues({ fingerprint, type, blob, addedAt, addedBy, vouched }: HumanKey): Value[] {
  const { highest = null, at = null, statement = null, signature = null } = vouched ?? {};
  return [fingerprint, type, blob, addedAt, addedBy, highest, at, statement, signature];
}

/** Columns of a key that nobody vouched for. */
const UNVOUCHED = ['highest', 'vouched_at', 'vouch_statement', 'vouch_signature'];
const HIGHEST = 5;

/** What the event says: the person with all their keys, by fingerprint. */
export function humanRow(values: readonly Value[], keys: readonly (readonly Value[])[]): Named {
  const sorted = keys.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
  return { ...namedRow(HUMAN_COLUMNS, values), keys: sorted.map(keyRow) };
}

/** One that nobody vouched for is told as before anybody could. */
function keyRow(key: readonly Value[]): Named {
  return namedRow(KEY_COLUMNS, key, key[HIGHEST] === null ? UNVOUCHED : []);
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
    vouched: vouchedOf(row),
  };
}

function vouchedOf(row: readonly unknown[]): VouchedKey | null {
  if (row[HIGHEST] === null) return null;
  return {
    highest: row[HIGHEST] as VouchedKey['highest'],
    at: row[6] as number,
    statement: row[7] as string | null,
    signature: row[8] as string | null,
  };
}
