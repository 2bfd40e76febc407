// SPDX-License-Identifier: Apache-2.0
/** What is done with the database before anybody reads or writes: its schema, the look whether it has gone back, the log's beginning. */
import { randomBytes } from 'node:crypto';
import Database from 'better-sqlite3';
import type { DataFiles } from './data-dir.ts';
import { compareWithMark, readMark, storedNumbers, writeMark } from './high-water-mark.ts';
import { beginLog } from './log-begin.ts';
import { migrate } from './migrate.ts';
import { setPragmas } from './pragmas.ts';
import { unusable } from './unusable.ts';

export function prepareDatabase(files: DataFiles, now: number): void {
  const db = new Database(files.database);
  try {
    setPragmas(db, 'FULL');
    migrate(db, files.database, now);
    const stored = storedNumbers(db);
    const mark = readMark(files.mark);
    // guard: B5 test/store/rollback.test.ts
    compareWithMark(stored, mark, files.database, files.mark);
    if (mark === undefined) writeMark(files.mark, { ...stored, tree: undefined });
    beginLog(db, now, randomBytes);
  } catch (error) {
    throw unusable(error, files.database);
  } finally {
    db.close();
  }
}
