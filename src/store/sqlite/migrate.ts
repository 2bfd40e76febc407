// SPDX-License-Identifier: Apache-2.0
/** Brings a database to the newest step this program knows, and refuses one that is newer. */
import type { Database } from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import type { Migration } from './migrations/migration.ts';
import { migrations } from './schema.ts';

/** In the file's header (sqlite.org/fileformat2.html section 1.3.15), so that `file` and we can tell whose it is. */
const APPLICATION_ID = 0x41737379;

export function migrate(db: Database, path: string, now: number, steps: readonly Migration[] = migrations): void {
  refuseForeign(db, path);
  db.exec(`CREATE TABLE IF NOT EXISTS migration (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL
  ) STRICT`);
  const newest = steps.at(-1)?.number ?? 0;
  const applied = db.prepare('SELECT coalesce(max(number), 0) FROM migration').pluck().get() as number;
  if (applied > newest) {
    throw new Failure(
      'failed-precondition',
      'DATABASE_TOO_NEW',
      `the database ${path} is at schema ${applied}, this program knows schemas up to ${newest}`,
      { field: 'data_dir', value: path, hint: 'run the newer program, or restore a backup made by this one' },
    );
  }
  const note = db.prepare('INSERT INTO migration (number, name, applied_at) VALUES (?, ?, ?)');
  const apply = db.transaction((step: Migration) => {
    db.exec(step.sql);
    note.run(step.number, step.name, now);
  });
  for (const step of steps) if (step.number > applied) apply.immediate(step);
}

function refuseForeign(db: Database, path: string): void {
  const id = db.pragma('application_id', { simple: true }) as number;
  if (id === APPLICATION_ID) return;
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  if (id !== 0 || tables > 0) {
    throw new Failure('failed-precondition', 'DATABASE_FOREIGN', `${path} is a database of another program`, {
      field: 'data_dir',
      value: path,
      hint: 'give the daemon a data folder of its own',
    });
  }
  db.pragma(`application_id = ${APPLICATION_ID}`);
}
