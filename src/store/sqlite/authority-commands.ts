// SPDX-License-Identifier: Apache-2.0
/** The set of authorities and the bundle's sequence, in the writer thread, inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import type { ChangeLog } from './change-log.ts';
import type { Counters } from './counters.ts';
import type { EventLog } from './event-log.ts';
import { authoritiesRow } from './row-payload.ts';
import { AUTHORITY_COLUMNS } from './rows.ts';
import type { Value } from './wire.ts';

/** Where in the columns of rows.ts. */
const ID = 0;
const PUBLISHED = 3;
const LAST_SVID_NOT_AFTER = 11;

export class AuthorityCommands {
  readonly #counters: Counters;
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #stored: Statement;
  readonly #clear: Statement;
  readonly #insert: Statement;

  constructor(db: Database, log: ChangeLog, counters: Counters, events: EventLog) {
    this.#events = events;
    this.#counters = counters;
    this.#log = log;
    this.#stored = db
      .prepare('SELECT id, revision, published, last_svid_not_after FROM authority WHERE kind = ?')
      .raw();
    this.#clear = db.prepare('DELETE FROM authority WHERE kind = ?');
    this.#insert = db.prepare(
      `INSERT INTO authority (${AUTHORITY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  /** Answers the change, the bundle sequence, and for each authority the latest notAfter of what it signed. */
  replace(
    kind: string,
    next: Value[][],
    expected: [string, number][],
    cause: string,
    by: string,
    at: number,
  ): number[] {
    const stored = this.#stored.all(kind) as [string, number, Buffer, number][];
    const revisions = new Map(expected);
    const asExpected = stored.length === revisions.size && stored.every(([id, rev]) => revisions.get(id) === rev);
    // guard: I6 test/store/sqlite-store.test.ts — a step decided on another journal is not taken
    if (!asExpected) throw conflict();
    const signed = new Map(stored.map(([id, , , notAfter]) => [id, notAfter]));
    const published = new Set(stored.map(([, , what]) => what.toString('base64')));
    const republished = new Set(next.map((values) => Buffer.from(values[PUBLISHED] as Uint8Array).toString('base64')));
    this.#clear.run(kind);
    for (const values of next) {
      const before = signed.get(values[ID] as string) ?? 0;
      values[LAST_SVID_NOT_AFTER] = Math.max(before, values[LAST_SVID_NOT_AFTER] as number);
      this.#insert.run(values);
    }
    // guard: I6 test/store/sqlite-store.test.ts — BUN-03: it grows exactly when the content changes
    if (!sameSet(published, republished)) this.#counters.now.bundle += 1;
    const step = { cause, bundle_sequence: this.#counters.now.bundle };
    this.#events.note('authority.change', by, at, null, { ...authoritiesRow(kind, next), ...step });
    const seq = this.#log.add('authority', 'put', cause, by, at);
    return [seq, this.#counters.now.bundle, ...next.map((values) => values[LAST_SVID_NOT_AFTER] as number)];
  }
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}

function conflict(): Failure {
  return new Failure('aborted', 'REVISION_CONFLICT', 'the authorities were changed by another step meanwhile', {
    hint: 'read them again and repeat the step',
  });
}
