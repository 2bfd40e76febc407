// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { setPragmas } from '../../src/store/sqlite/pragmas.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('pragmas');

it('I3: the writer logs ahead, syncs each commit and checks what rows refer to', () => {
  const db = new Database(join(dir, 'a.db'));
  // The library's own defaults are not leant on.
  db.pragma('foreign_keys = OFF');
  db.pragma('synchronous = OFF');
  setPragmas(db, 'FULL');
  const value = (name: string) => db.pragma(name, { simple: true });
  expect([value('journal_mode'), value('synchronous'), value('foreign_keys')]).toEqual(['wal', 2, 1]);
  db.close();
});
