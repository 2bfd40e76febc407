// SPDX-License-Identifier: Apache-2.0
/**
 * Every row as it stands that events speak of, as the payload of the event that wrote it last: what the log begins with, and
 * what it is held against.
 */
import type { Database } from 'better-sqlite3';
import { APPROVAL, APPROVAL_COLUMNS, approvalRow, VOTE, VOTE_COLUMNS, voteKey, voteRow } from './approval-rows.ts';
import { FINDING_COLUMNS, findingRow } from './finding-rows.ts';
import { GRANT_COLUMNS, grantRow } from './grant-rows.ts';
import { HUMAN_COLUMNS, humanRow, KEY_COLUMNS } from './human-rows.ts';
import { POLICY_COLUMNS, policyRow } from './policy-rows.ts';
import { authoritiesRow, bundleRow, entryRow, type Named, namedRow } from './row-payload.ts';
import { AUTHORITY_COLUMNS, ENTRY_COLUMNS, FEDERATION_COLUMNS, IDENTITY_COLUMNS } from './rows.ts';
import { TARGET_COLUMNS } from './target-rows.ts';
import { TASK_COLUMNS, taskRow } from './task-rows.ts';
import type { Value } from './wire.ts';

export interface CurrentRow {
  /** As events of it begin. */
  readonly kind:
    | 'identity'
    | 'entry'
    | 'bundle'
    | 'federation'
    | 'authority'
    | 'meta'
    | 'human'
    | 'finding'
    | 'policy'
    | 'target'
    | 'task'
    | 'grant'
    | 'approval'
    | 'vote';
  /** Which of its kind. */
  readonly key: string;
  readonly identity: string | null;
  readonly row: Named;
}

export function* currentRows(db: Database): Iterable<CurrentRow> {
  for (const values of rows(db, `SELECT ${IDENTITY_COLUMNS} FROM identity ORDER BY no`)) {
    const key = values[0] as string;
    yield { kind: 'identity', key, identity: key, row: namedRow(IDENTITY_COLUMNS, values) };
  }
  const entries = `SELECT i.spiffe_id, ${columnsOf('t', ENTRY_COLUMNS)} FROM entry t JOIN identity i ON i.no = t.identity_no`;
  for (const [identity, ...values] of rows(db, `${entries} ORDER BY t.no`))
    yield { kind: 'entry', key: values[0] as string, identity: identity as string, row: entryRow(values) };
  for (const values of rows(db, `SELECT ${FEDERATION_COLUMNS} FROM federation ORDER BY trust_domain`))
    yield { kind: 'federation', key: values[0] as string, identity: null, row: namedRow(FEDERATION_COLUMNS, values) };
  for (const values of rows(db, 'SELECT key, value FROM meta ORDER BY key'))
    yield { kind: 'meta', key: values[0] as string, identity: null, row: namedRow('key, value', values) };
  for (const values of rows(db, `SELECT ${FINDING_COLUMNS} FROM finding ORDER BY id`))
    yield { kind: 'finding', key: String(values[0]), identity: values[2] as string, row: findingRow(values) };
  for (const values of rows(db, `SELECT ${POLICY_COLUMNS} FROM policy_set ORDER BY hash`))
    yield { kind: 'policy', key: values[0] as string, identity: null, row: policyRow(values) };
  for (const values of rows(db, `SELECT ${TARGET_COLUMNS} FROM target ORDER BY name`))
    yield { kind: 'target', key: values[0] as string, identity: null, row: namedRow(TARGET_COLUMNS, values) };
  for (const values of rows(db, `SELECT ${TASK_COLUMNS} FROM task ORDER BY id`))
    yield { kind: 'task', key: values[0] as string, identity: values[1] as string, row: taskRow(values) };
  for (const values of rows(db, `SELECT ${GRANT_COLUMNS} FROM grant ORDER BY id`))
    yield { kind: 'grant', key: values[0] as string, identity: values[1] as string, row: grantRow(values) };
  yield* approvals(db);
  yield* humans(db);
  yield* bundles(db);
  yield* authorities(db);
}

function* approvals(db: Database): Iterable<CurrentRow> {
  for (const values of rows(db, `SELECT ${APPROVAL_COLUMNS} FROM approval_request ORDER BY id`)) {
    const identity = values[APPROVAL.identity] as string;
    yield { kind: 'approval', key: values[0] as string, identity, row: approvalRow(values) };
  }
  const votes = `SELECT ${VOTE_COLUMNS} FROM approval_vote ORDER BY request, human, decision`;
  for (const values of rows(db, votes)) {
    const key = voteKey(values[VOTE.request], values[VOTE.human], values[VOTE.decision]);
    yield { kind: 'vote', key, identity: null, row: voteRow(values) };
  }
}

function* humans(db: Database): Iterable<CurrentRow> {
  const keys = db.prepare(`SELECT ${KEY_COLUMNS} FROM human_key WHERE human = ? AND removed_at IS NULL`).raw();
  for (const values of rows(db, `SELECT ${HUMAN_COLUMNS} FROM human ORDER BY name`)) {
    const key = values[0] as string;
    yield { kind: 'human', key, identity: null, row: humanRow(values, keys.all(key) as Value[][]) };
  }
}

function* bundles(db: Database): Iterable<CurrentRow> {
  const certificates = db.prepare(
    'SELECT certificate FROM bundle_certificate WHERE trust_domain = ? ORDER BY position',
  );
  const keys = db.prepare('SELECT kid, public_key FROM bundle_jwt_key WHERE trust_domain = ? ORDER BY position');
  const select = 'SELECT trust_domain, sequence, refresh_hint_seconds FROM bundle ORDER BY trust_domain';
  for (const [key, sequence, hint] of rows(db, select) as Iterable<[string, string | null, number | null]>) {
    const jwtKeys = keys.raw().all(key) as [string, Buffer][];
    const row = bundleRow([key, certificates.pluck().all(key) as Buffer[], jwtKeys, sequence, hint]);
    yield { kind: 'bundle', key, identity: null, row };
  }
}

/** Each kind as a whole: that is how it is written. Which step it was, and the bundle's number, only its own event says. */
function* authorities(db: Database): Iterable<CurrentRow> {
  const kinds = db.prepare('SELECT DISTINCT kind FROM authority ORDER BY kind').pluck().all() as string[];
  const ofKind = db.prepare(`SELECT ${AUTHORITY_COLUMNS} FROM authority WHERE kind = ? ORDER BY id`).raw();
  for (const key of kinds) {
    const row = authoritiesRow(key, ofKind.all(key) as Value[][]);
    yield { kind: 'authority', key, identity: null, row };
  }
}

function rows(db: Database, select: string): Iterable<Value[]> {
  return db.prepare(select).raw().iterate() as Iterable<Value[]>;
}

function columnsOf(table: string, columns: string): string {
  return columns
    .split(', ')
    .map((column) => `${table}.${column}`)
    .join(', ');
}
