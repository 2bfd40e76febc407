// SPDX-License-Identifier: Apache-2.0
/** What an operator may ask of the slots ahead of the schedule, and who would break. */
import { formatDuration } from '../lib/duration.ts';
import { Failure } from '../lib/failure.ts';
import { leadOf } from '../rotation/schedule.ts';
import type { AuthorityKind, AuthorityRecord } from '../store/records.ts';
import { inSlot, isAnnounced, lifeOf } from './slots.ts';

/** At most one prepared CA: a second one would leave the first in the bundle, signing nothing. */
export function checkPreparation(kind: AuthorityKind, records: readonly AuthorityRecord[]): void {
  const prepared = inSlot(records, 'prepared');
  if (prepared !== undefined)
    throw new Failure('failed-precondition', 'ALREADY_PREPARED', `the authority ${prepared.id} is prepared already`, {
      value: prepared.id,
      hint: `activate it with \`assay authority ${kind} activate\``,
    });
}

/** The prepared CA, if it may sign now: its lead is over, or the operator insists. */
export function checkActivation(
  records: readonly AuthorityRecord[],
  asked: {
    readonly kind: AuthorityKind;
    readonly now: number;
    readonly insists: boolean;
    /** What bundle consumers are told. */
    readonly hintSeconds: number;
  },
): { readonly id: string; readonly announced: boolean } {
  const { kind, now, insists, hintSeconds } = asked;
  const prepared = inSlot(records, 'prepared');
  if (prepared === undefined)
    throw new Failure('failed-precondition', 'NOT_PREPARED', 'no authority is prepared', {
      hint: `run \`assay authority ${kind} prepare\` first and leave it in the bundle for its lead time`,
    });
  const active = inSlot(records, 'active') ?? prepared;
  const over = prepared.preparedAt + leadOf(lifeOf(active));
  // guard: I6 test/authority/operator-steps.test.ts
  if (now < over && !insists) {
    const since = new Date(prepared.preparedAt).toISOString();
    throw new Failure(
      'failed-precondition',
      'NOT_YET_ANNOUNCED',
      `the authority ${prepared.id} has been in the bundle for ${formatDuration(now - prepared.preparedAt)} only (since ${since}). ` +
        `Whoever last fetched the bundle before that refuses the SVIDs it signs: federated trust domains and other ` +
        `consumers that poll it (told to every ${hintSeconds}s), and services with a copy of the bundle in a file. ` +
        `Workloads with an open stream have it`,
      {
        field: '--now',
        value: prepared.id,
        hint: `wait until ${new Date(over).toISOString()}, or activate it at once with --now`,
      },
    );
  }
  return { id: prepared.id, announced: isAnnounced(prepared, active, now) };
}
