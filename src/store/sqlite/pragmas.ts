// SPDX-License-Identifier: Apache-2.0
/** How the database is written: readers never wait, and a commit that was answered is on the disk. */
import type { Database } from 'better-sqlite3';

export function setPragmas(db: Database, synchronous: 'FULL' | 'OFF'): void {
  db.pragma('journal_mode = WAL');
  // guard: I3 test/store/pragmas.test.ts — in WAL mode only FULL syncs each commit (sqlite.org/pragma.html)
  db.pragma(`synchronous = ${synchronous}`);
  // guard: I3 test/store/pragmas.test.ts — an issuance row without its identity says nothing
  db.pragma('foreign_keys = ON');
  // What is erased is gone from the file, not only from its tables (sqlite.org/pragma.html#pragma_secure_delete).
  // guard: B5 test/store/erased.test.ts
  db.pragma('secure_delete = ON');
  // 32 MiB between checkpoints instead of 4: rows with random serials touch many pages of one index, and a page that
  // is written ten times into the log goes only once into the database.
  db.pragma('wal_autocheckpoint = 8000');
  // After a burst the log gives its space back.
  db.pragma('journal_size_limit = 67108864');
}
