// SPDX-License-Identifier: Apache-2.0
/** Targets as columns, and back. */
import { words } from '../packed.ts';
import type { TargetRecord } from '../targets.ts';
import type { Value } from './wire.ts';

export const TARGET_COLUMNS =
  'name, owner, environment, impact, intents, audiences, third_party, review_by, expires_at, created_at, created_by, retired_at, retired_by, retire_reason, revision, irrevocable';
export const TARGET_AUDIENCES = 5;
export const TARGET_RETIRED_AT = 11;
export const TARGET_REVISION = 14;

export function targetValues(target: TargetRecord): Value[] {
  return [
    target.name,
    target.owner,
    target.environment,
    target.impact,
    target.intents.join(' '),
    target.audiences.join(' '),
    Number(target.thirdParty),
    target.reviewBy,
    target.expiresAt,
    target.createdAt,
    target.createdBy,
    target.retiredAt,
    target.retiredBy,
    target.retireReason,
    target.revision,
    target.irrevocable.length === 0 ? null : target.irrevocable.join(' '),
  ];
}

export function targetOf(row: readonly unknown[]): TargetRecord {
  return {
    name: row[0] as string,
    owner: row[1] as string,
    environment: row[2] as string,
    impact: row[3] as TargetRecord['impact'],
    intents: words(row[4] as string),
    audiences: words(row[5] as string),
    thirdParty: row[6] === 1,
    reviewBy: row[7] as number | null,
    expiresAt: row[8] as number,
    createdAt: row[9] as number,
    createdBy: row[10] as string,
    retiredAt: row[11] as number | null,
    retiredBy: row[12] as string | null,
    retireReason: row[13] as string | null,
    revision: row[14] as number,
    irrevocable: words((row[15] as string | null) ?? ''),
  };
}
