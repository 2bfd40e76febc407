// SPDX-License-Identifier: Apache-2.0
/** Findings opened, counted and closed, in the writer thread; each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import { BINARIES_PER_IDENTITY, OPEN_IN_ALL, OPEN_PER_DETECTOR } from '../findings.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { FINDING_COLUMNS, findingRow } from './finding-rows.ts';
import type { Value } from './wire.ts';

/** As numbers on the wire. */
export const NOVELTIES = ['first', 'new', 'known'] as const;

export class FindingCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #same: Statement;
  readonly #openOf: Statement;
  readonly #openInAll: Statement;
  readonly #insert: Statement;
  readonly #count: Statement;
  readonly #close: Statement;
  readonly #row: Statement;
  readonly #binary: Statement;
  readonly #ofSort: Statement;
  readonly #keepBinary: Statement;
  readonly #dropBinaries: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog) {
    this.#log = log;
    this.#events = events;
    this.#same = db
      .prepare('SELECT id FROM finding WHERE detector = ? AND identity = ? AND evidence_key = ? AND closed_at IS NULL')
      .pluck();
    this.#openOf = db
      .prepare('SELECT count(*), max(id) FROM finding WHERE detector = ? AND identity = ? AND closed_at IS NULL')
      .raw();
    this.#openInAll = db
      .prepare('SELECT count(*) FROM finding INDEXED BY finding_open WHERE closed_at IS NULL')
      .pluck();
    this.#insert = db.prepare(
      `INSERT INTO finding (detector, identity, evidence_key, evidence, opened_at, last_seen_at, count, task)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#count = db.prepare(
      'UPDATE finding SET count = count + ?, last_seen_at = max(last_seen_at, ?) WHERE id = ? AND closed_at IS NULL',
    );
    this.#close = db.prepare('UPDATE finding SET closed_at = ?, closed_by = ?, resolution = ? WHERE id = ?');
    this.#row = db.prepare(`SELECT ${FINDING_COLUMNS} FROM finding WHERE id = ?`).raw();
    this.#binary = db.prepare('SELECT 1 FROM seen_binary WHERE identity = ? AND binary = ?').pluck();
    this.#ofSort = db
      .prepare('SELECT count(*) FROM seen_binary WHERE identity = ? AND binary >= ? AND binary < ?')
      .pluck();
    this.#keepBinary = db.prepare('INSERT INTO seen_binary (identity, binary, first_at) VALUES (?, ?, ?)');
    this.#dropBinaries = db.prepare(
      `DELETE FROM seen_binary WHERE identity = ? AND binary IN (SELECT binary FROM seen_binary WHERE identity = ?
       ORDER BY first_at DESC, binary LIMIT -1 OFFSET ${BINARIES_PER_IDENTITY})`,
    );
  }

  /** Answers its id and the change. */
  report(
    detector: string,
    identity: string,
    key: Uint8Array,
    evidence: string,
    count: number,
    by: string,
    at: number,
    task: string | null,
  ): number[] {
    const same = this.#same.get(detector, identity, key) as number | undefined;
    if (same !== undefined) return this.#again(same, count, by, at);
    const [open, newest] = this.#openOf.get(detector, identity) as [number, number | null];
    // guard: I9 test/store/findings.test.ts — ever new evidence fills no disk
    if (open >= OPEN_PER_DETECTOR && newest !== null) return this.#again(newest, count, by, at);
    // guard: I9 test/store/findings.test.ts
    if ((this.#openInAll.get() as number) >= OPEN_IN_ALL) throw full();
    const { lastInsertRowid } = this.#insert.run(detector, identity, key, evidence, at, at, count, task);
    const id = Number(lastInsertRowid);
    this.#events.note('finding.open', by, at, identity, findingRow(this.#row.get(id) as Value[]), task);
    return [id, this.#log.add('finding', 'put', String(id), by, at)];
  }

  close(id: number, resolution: string, by: string, at: number): number {
    const row = this.#row.get(id) as Value[] | undefined;
    if (row === undefined) throw missing(id);
    // guard: C5 test/store/findings.test.ts — who closed it, and why, is said once
    if (row[8] !== null) throw closed(id);
    this.#close.run(at, by, resolution, id);
    const now = findingRow(this.#row.get(id) as Value[]);
    this.#events.note('finding.close', by, at, row[2] as string, now, row[3] as string | null);
    return this.#log.add('finding', 'put', String(id), by, at);
  }

  /** Answers a place in NOVELTIES. */
  seeBinary(identity: string, binary: string, at: number): number {
    if (this.#binary.get(identity, binary) !== undefined) return NOVELTIES.indexOf('known');
    const sort = binary.slice(0, binary.indexOf(':'));
    const others = this.#ofSort.get(identity, `${sort}:`, `${sort};`) as number;
    this.#keepBinary.run(identity, binary, at);
    // guard: I9 test/store/findings.test.ts
    this.#dropBinaries.run(identity, identity);
    return NOVELTIES.indexOf(others === 0 ? 'first' : 'new');
  }

  #again(id: number, count: number, by: string, at: number): number[] {
    this.#count.run(count, at, id);
    return [id, this.#log.add('finding', 'put', String(id), by, at)];
  }
}

function missing(id: number): Failure {
  return new Failure('not-found', 'FINDING_NOT_FOUND', `there is no finding ${id}`, {
    field: 'id',
    value: String(id),
    hint: 'list them: assay finding list',
  });
}

function closed(id: number): Failure {
  return new Failure('failed-precondition', 'FINDING_CLOSED', `finding ${id} is closed already`, {
    field: 'id',
    value: String(id),
    hint: `look at it: assay finding show ${id}`,
  });
}

function full(): Failure {
  return new Failure('resource-exhausted', 'FINDINGS_FULL', `${OPEN_IN_ALL} findings are open, the most there may be`, {
    hint: 'close what was looked at: assay finding list --open',
  });
}
