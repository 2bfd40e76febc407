// SPDX-License-Identifier: Apache-2.0
/**
 * Which authority may be tainted, and which revoked, as SPIRE's localauthority API has it (pkg/server/api/localauthority/v1/service.go):
 * only one that signs no more is tainted, and only a tainted one is revoked, so that what it signed has been replaced before
 * nobody trusts it.
 */
import { Failure, quote } from '../lib/failure.ts';
import { pruneAt } from '../rotation/schedule.ts';
import type { AuthorityKind, AuthorityRecord } from '../store/records.ts';

/** Throws unless `id` is an old authority that is not tainted yet. */
export function checkTaint(kind: AuthorityKind, records: readonly AuthorityRecord[], id: string): void {
  const record = oldOne(kind, records, id, 'tainted');
  if (record.taintedAt !== null)
    throw refusal(
      'ALREADY_TAINTED',
      id,
      `the authority ${id} is tainted since ${time(record.taintedAt)}`,
      `take it out of the bundle with \`assay authority ${kind} revoke ${id}\``,
    );
}

/** The tainted authority, if it may leave the bundle now: nothing it signed is valid any more, or the operator insists. */
export function checkRevocation(
  records: readonly AuthorityRecord[],
  asked: {
    readonly kind: AuthorityKind;
    readonly id: string;
    readonly now: number;
    readonly insists: boolean;
  },
): AuthorityRecord {
  const { kind, id, now, insists } = asked;
  const record = oldOne(kind, records, id, 'revoked');
  // guard: BUN-19 test/authority/taint.test.ts — its holders shall have been given another SVID first
  if (record.taintedAt === null)
    throw refusal(
      'NOT_TAINTED',
      id,
      `the authority ${id} is not tainted, and only a tainted one is revoked: what it signed has to be issued anew first`,
      `run \`assay authority ${kind} taint ${id}\` first`,
    );
  // guard: BUN-19 test/authority/taint.test.ts
  if (now < pruneAt(record.lastSvidNotAfter) && !insists)
    throw refusal(
      'STILL_IN_USE',
      id,
      `the last credential that the authority ${id} signed is valid until ${time(record.lastSvidNotAfter)}. Workloads with an open ` +
        'stream have been given another one since the taint; a copy in a file, a token handed on, or a workload that did ' +
        'not take the new one is refused by everybody from the revocation on',
      `wait until ${time(pruneAt(record.lastSvidNotAfter))}, when it leaves the bundle by itself, or revoke it at once with --force`,
      '--force',
    );
  return record;
}

function oldOne(kind: AuthorityKind, records: readonly AuthorityRecord[], id: string, what: string): AuthorityRecord {
  if (id === '')
    throw new Failure('invalid-argument', 'AUTHORITY_MISSING', 'authority_id is empty: which authority is not said', {
      field: 'authority_id',
      value: quote(id),
      hint: shown(kind),
    });
  const record = records.find((one) => one.id === id);
  if (record === undefined)
    throw new Failure('not-found', 'AUTHORITY_NOT_FOUND', `there is no ${kind} authority ${quote(id)}`, {
      field: 'authority_id',
      value: quote(id),
      hint: shown(kind),
    });
  switch (record.slot) {
    case 'old':
      return record;
    case 'active':
      // guard: BUN-18 test/authority/taint.test.ts — nothing could be issued in the place of what it signed
      throw refusal(
        'AUTHORITY_ACTIVE',
        id,
        `the authority ${id} signs now, and only one that signs no more can be ${what}`,
        `run \`assay authority ${kind} prepare\`, then \`assay authority ${kind} activate\` (\`--now\` if its key is lost), and repeat this`,
      );
    case 'prepared':
      // guard: BUN-18 test/authority/taint.test.ts
      throw refusal(
        'AUTHORITY_PREPARED',
        id,
        `the authority ${id} is prepared and has signed nothing yet; only one that signs no more can be ${what}`,
        `run \`assay authority ${kind} activate\`, then prepare and activate another one, and repeat this`,
      );
  }
}

function shown(kind: AuthorityKind): string {
  return `\`assay authority ${kind} show\` lists them`;
}

function refusal(reason: string, id: string, message: string, hint: string, field = 'authority_id'): Failure {
  return new Failure('failed-precondition', reason, message, { field, value: id, hint });
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
