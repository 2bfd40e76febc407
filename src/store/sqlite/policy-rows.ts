// SPDX-License-Identifier: Apache-2.0
/** Sets of policies as columns, and back. */
import { createHash } from 'node:crypto';
import type { PolicySetRecord } from '../policies.ts';
import { type Named, namedRow } from './row-payload.ts';
import type { Value } from './wire.ts';

export const POLICY_COLUMNS = 'hash, schema_hash, text, loaded_at, loaded_by, mode, left_at';
const POLICY_TEXT = 2;

export function policySetOf(row: readonly unknown[]): PolicySetRecord {
  return {
    hash: row[0] as string,
    schemaHash: row[1] as string,
    text: row[2] as string,
    loadedAt: row[3] as number,
    loadedBy: row[4] as string,
    mode: row[5] as PolicySetRecord['mode'],
    leftAt: row[6] as number | null,
  };
}

/** What the event says: of the text its hash alone, which may be a megabyte. */
export function policyRow(values: readonly Value[]): Named {
  const text = createHash('sha256')
    .update(values[POLICY_TEXT] as string)
    .digest('hex');
  return { ...namedRow(POLICY_COLUMNS, values, ['text']), text_sha256: text };
}
