// SPDX-License-Identifier: Apache-2.0
/** Targets, in the writer thread, inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { namedRow } from './row-payload.ts';
import { TARGET_AUDIENCES, TARGET_COLUMNS, TARGET_RETIRED_AT, TARGET_REVISION } from './target-rows.ts';
import type { Value } from './wire.ts';

export class TargetCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #stored: Statement;
  readonly #put: Statement;
  readonly #holder: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog) {
    this.#log = log;
    this.#events = events;
    this.#stored = db.prepare('SELECT revision, retired_at FROM target WHERE name = ?').raw();
    const columns = TARGET_COLUMNS.split(', ');
    this.#put = db.prepare(
      `INSERT INTO target (${TARGET_COLUMNS}) VALUES (${columns.map(() => '?').join(', ')})
       ON CONFLICT (name) DO UPDATE SET ${columns.slice(1).map((name) => `${name} = excluded.${name}`)}`,
    );
    // Audiences hold no space, and no mark that LIKE reads: instr takes them as they are.
    this.#holder = db
      .prepare(
        `SELECT name FROM target WHERE retired_at IS NULL AND name <> ? AND instr(' ' || audiences || ' ', ' ' || ? || ' ') > 0`,
      )
      .pluck();
  }

  put(values: Value[], step: 'put' | 'retire', by: string, at: number): number {
    const name = values[0] as string;
    const [revision, retiredAt] = (this.#stored.get(name) as [number, number | null] | undefined) ?? [0, null];
    // guard: C1 test/store/targets.test.ts
    if (retiredAt !== null) throw retired(name);
    // guard: I3 test/store/targets.test.ts
    if (revision !== (values[TARGET_REVISION] as number) - 1) throw conflict(name);
    const audiences = values[TARGET_RETIRED_AT] === null ? (values[TARGET_AUDIENCES] as string).split(' ') : [];
    for (const audience of audiences.filter((one) => one !== '')) {
      const holder = this.#holder.get(name, audience) as string | undefined;
      // guard: C1 test/store/targets.test.ts — a token for one would be good at the other
      if (holder !== undefined) throw taken(audience, holder);
    }
    this.#put.run(values);
    this.#events.note(`target.${step}`, by, at, null, namedRow(TARGET_COLUMNS, values));
    return this.#log.add('target', 'put', name, by, at);
  }
}

function retired(name: string): Failure {
  return new Failure('failed-precondition', 'TARGET_RETIRED', `target ${quote(name)} is retired, and stays so`, {
    field: 'name',
    value: name,
    hint: 'register it under another name',
  });
}

function conflict(name: string): Failure {
  return new Failure('aborted', 'REVISION_CONFLICT', `target ${quote(name)} was changed by someone else meanwhile`, {
    hint: 'read it again and repeat the change',
  });
}

function taken(audience: string, holder: string): Failure {
  return new Failure(
    'already-exists',
    'TARGET_AUDIENCE_TAKEN',
    `the audience ${quote(audience)} is that of ${quote(holder)}`,
    { field: 'audience', value: audience, hint: 'each target has audiences of its own' },
  );
}
