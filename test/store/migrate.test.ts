// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { migrations } from '../../src/store/sqlite/schema.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { NOW } from './samples.ts';

const top = tempDir('migrate');
const steps = [
  { number: 1, name: 'first', sql: 'CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1)' },
  { number: 2, name: 'second', sql: 'ALTER TABLE a ADD COLUMN y TEXT' },
];

it('steps are applied once each, in order, and written down', () => {
  const path = join(top, 'a.db');
  const db = new Database(path);
  migrate(db, path, NOW, steps.slice(0, 1));
  migrate(db, path, NOW + 1, steps);
  migrate(db, path, NOW + 2, steps);
  expect(db.prepare('SELECT number, name, applied_at FROM migration').raw().all()).toEqual([
    [1, 'first', NOW],
    [2, 'second', NOW + 1],
  ]);
  expect(db.prepare('SELECT x, y FROM a').raw().all()).toEqual([[1, null]]);
  db.close();
});

it('a step that fails leaves no half of it', () => {
  const path = join(top, 'b.db');
  const db = new Database(path);
  const broken = [
    ...steps,
    { number: 3, name: 'third', sql: 'CREATE TABLE b (x INTEGER); CREATE TABLE a (x INTEGER)' },
  ];
  expect(() => migrate(db, path, NOW, broken)).toThrow('already exists');
  expect(db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all()).toEqual(['migration', 'a']);
  db.close();
});

it('a database newer than the program is refused, naming both', () => {
  const path = join(top, 'c.db');
  const db = new Database(path);
  migrate(db, path, NOW, [...steps, { number: 7, name: 'later', sql: 'CREATE TABLE c (x INTEGER)' }]);
  const refused = refusalOf(() => migrate(db, path, NOW, steps));
  expect([refused.kind, refused.reason]).toEqual(['failed-precondition', 'DATABASE_TOO_NEW']);
  expect(refused.message).toBe(`the database ${path} is at schema 7, this program knows schemas up to 2`);
  db.close();
});

it('a database of another program is left alone', () => {
  const path = join(top, 'd.db');
  const db = new Database(path);
  db.exec('CREATE TABLE theirs (x)');
  expect(refusalOf(() => migrate(db, path, NOW, steps)).reason).toBe('DATABASE_FOREIGN');
  expect(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()).toBe(1);
  db.close();
});

it('every table is strict', async () => {
  const dir = join(top, 'data');
  await (await openStore(dir)).close();
  const db = new Database(join(dir, 'assay.db'), { readonly: true });
  const loose = db.prepare(
    `SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'`,
  );
  expect(loose.pluck().all()).toEqual([]);
  db.close();
});

it('a file that is no database is refused by name', async () => {
  const dir = join(top, 'torn');
  await (await openStore(dir)).close();
  writeFileSync(join(dir, 'assay.db'), 'no database at all '.repeat(1000), { mode: 0o600 });
  const refused = await refusalOfAsync(() => openStore(dir));
  expect([refused.reason, refused.value]).toEqual(['DATABASE_UNUSABLE', join(dir, 'assay.db')]);
  expect(refused.message).toContain('SQLITE_NOTADB');
});

it('a database of the first schema keeps its authorities, issuances and bundles', () => {
  const path = join(top, 'first.db');
  const db = new Database(path);
  migrate(db, path, NOW, migrations.slice(0, 1));
  db.exec(`
    INSERT INTO authority VALUES ('aa', 'x509', 'active', x'01', 'x509-1', 'ec-p256', 1, 2, 3, 4, NULL, 5, 6);
    INSERT INTO identity VALUES (1, 'spiffe://td/a', 'o', NULL, 'service', NULL, '', 'active', NULL, 1, 2, 3, 'by', 1);
    INSERT INTO issuance VALUES (7, x'ab', 'x509', 1, 'e', 'aa', 1, 2, 3, 4, 5, 6, 7, '8', 'weak_peer', '{}', 0, 'gone', NULL);
    INSERT INTO bundle VALUES ('other.org', 1, 'by');
    INSERT INTO bundle_certificate VALUES ('other.org', 0, x'02');
  `);
  migrate(db, path, NOW, migrations);
  const all = (sql: string): unknown[] => db.prepare(sql).raw().all();
  expect(all('SELECT id, kind, hex(published), last_svid_not_after, revision FROM authority')).toEqual([
    ['aa', 'x509', '01', 5, 6],
  ]);
  expect(all('SELECT seq, hex(serial), audiences, facts, delivered, undelivered_reason FROM issuance')).toEqual([
    [7, 'AB', '', '{}', 0, 'gone'],
  ]);
  expect(all('SELECT trust_domain, sequence, refresh_hint_seconds FROM bundle')).toEqual([['other.org', null, null]]);
  expect(all('PRAGMA foreign_key_check')).toEqual([]);
  db.close();
});

it('authorities of a database from before there were taints stay as they are, at most one active of each kind', () => {
  const path = join(top, 'taints.db');
  const db = new Database(path);
  migrate(db, path, NOW, migrations.slice(0, 3));
  db.exec(`INSERT INTO authority VALUES ('aa', 'x509', 'active', x'01', 'x509-1', 'ec-p256', 1, 2, 3, 4, NULL, 5, 6)`);
  db.exec(`INSERT INTO authority VALUES ('bb', 'jwt', 'old', x'02', 'jwt-1', 'ec-p256', 1, 2, 3, 4, 5, 6, 7)`);
  migrate(db, path, NOW);
  expect(db.prepare('SELECT * FROM authority ORDER BY id').raw().all()).toEqual([
    ['aa', 'x509', 'active', Buffer.from([1]), 'x509-1', 'ec-p256', 1, 2, 3, 4, null, 5, 6, null],
    ['bb', 'jwt', 'old', Buffer.from([2]), 'jwt-1', 'ec-p256', 1, 2, 3, 4, 5, 6, 7, null],
  ]);
  db.exec(`UPDATE authority SET tainted_at = 8 WHERE id = 'bb'`);
  expect(() => db.exec(`UPDATE authority SET tainted_at = 8 WHERE id = 'aa'`)).toThrow('CHECK');
  const again = `INSERT INTO authority SELECT 'cc', kind, slot, published, key_ref, key_type, 1, 2, 3, 4, 5, 6, 7, NULL FROM authority WHERE id = 'aa'`;
  expect(() => db.exec(again)).toThrow('UNIQUE');
  db.close();
});
