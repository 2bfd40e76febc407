// SPDX-License-Identifier: Apache-2.0
/** Attack B5: a database that has gone back goes on only on purpose, and a backup is put back whole or not at all. */
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { type Acceptance, acceptRollback, inspectRollback } from '../../src/store/sqlite/accept-rollback.ts';
import { backUp, putBack } from '../../src/store/sqlite/backup.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anIssuance, BY, furnish, NOW } from './samples.ts';

const top = tempDir('backup');
const uid = process.geteuid?.() ?? 0;
let count = 0;

function freshDir(): string {
  count += 1;
  return join(top, `data-${count}`);
}

const accept = (dataDir: string, more: Partial<Acceptance> = {}) =>
  acceptRollback(
    { dataDir, uid, anchors: [] },
    { cause: 'rollback', keepAuthorities: false, by: BY, now: NOW, random: randomBytes, ...more },
  );

const faultsOf = (dir: string): readonly string[] => {
  const files = { databasePath: join(dir, 'assay.db'), markPath: join(dir, 'high-water-mark') };
  return verifyDatabase({ ...files, verifier: undefined, outside: [] }).faults.map(
    ({ row, what }) => `${row}: ${what}`,
  );
};

/** A folder whose database lacks what came last, beside the mark that knows of it. */
async function goneBack(): Promise<string> {
  const [dir, early] = [freshDir(), freshDir()];
  const store = await openStore(dir);
  await furnish(store);
  await store.record(anIssuance());
  await backUp({ dataDir: dir, to: early, withKeys: true, now: NOW });
  for (let at = 0; at < 9; at += 1) await store.record(anIssuance());
  await store.deleteEntry('e1', BY, NOW);
  await store.close();
  for (const name of readdirSync(dir)) if (name.startsWith('assay.db')) rmSync(join(dir, name));
  cpSync(join(early, 'assay.db'), join(dir, 'assay.db'));
  chmodSync(join(dir, 'assay.db'), 0o600);
  expect((await refusalOfAsync(() => openStore(dir))).reason).toBe('ROLLED_BACK');
  return dir;
}

describe('B5: accepting that a database has gone back', () => {
  it('is shown first, with what was found and what was reached', async () => {
    const dir = await goneBack();
    const { found, reached, refusal } = inspectRollback({ dataDir: dir, uid, anchors: [] }, NOW);
    expect([found.issuance, reached?.issuance]).toEqual([1, 10]);
    expect(reached?.events).toBeGreaterThan(found.events);
    expect(refusal).toContain('issuance sequence 1 where 10 was reached');
    expect((await refusalOfAsync(() => openStore(dir))).reason).toBe('ROLLED_BACK');
  });

  it('puts every sequence past what was reached, removes the authorities, and says so in the log', async () => {
    const dir = await goneBack();
    const { numbers, authoritiesRemoved, putAside } = accept(dir);
    expect(numbers).toMatchObject({ issuance: 1_000_010 });
    expect(authoritiesRemoved).toHaveLength(1);
    expect(putAside.map((path) => existsSync(path))).toEqual([true]);
    const store = await openStore(dir);
    expect(store.lastIssuanceSeq()).toBe(1_000_010);
    expect(store.ownBundleSequence()).toBeGreaterThan(1_000_000);
    expect(store.lastChangeSeq()).toBeGreaterThan(1_000_000);
    expect(store.loadAuthorities()).toEqual([]);
    const [event] = store.audit.events({ kind: 'log.accept_rollback' }, { limit: 9 }).rows;
    expect(JSON.parse(event?.payload?.text ?? '')).toMatchObject({
      cause: 'rollback',
      found: { issuance: 1 },
      reached: { issuance: 10 },
      keep_authorities: false,
    });
    await store.close();
    expect(faultsOf(dir)).toEqual([]);
  });

  it('leaves the authorities where that is said', async () => {
    const dir = await goneBack();
    expect(accept(dir, { keepAuthorities: true }).authoritiesRemoved).toEqual([]);
    const store = await openStore(dir);
    expect(store.loadAuthorities()).toHaveLength(1);
    await store.close();
    expect(faultsOf(dir)).toEqual([]);
  });

  it('is refused where there is nothing to accept, and while a daemon runs', async () => {
    const dir = freshDir();
    const store = await openStore(dir);
    await furnish(store);
    expect(refusalOf(() => accept(dir)).reason).toBe('DATA_DIR_IN_USE');
    await store.close();
    expect(refusalOf(() => accept(dir)).reason).toBe('NOTHING_TO_ACCEPT');
  });

  it.each([
    ['its mark is gone', (dir: string) => rmSync(join(dir, 'high-water-mark'))],
    ['its mark cannot be read', (dir: string) => writeFileSync(join(dir, 'high-water-mark'), 'x', { mode: 0o600 })],
    [
      'its end was cut off',
      (dir: string) => {
        const db = new Database(join(dir, 'assay.db'));
        for (const name of db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`).pluck().all())
          db.exec(`DROP TRIGGER ${String(name)}`);
        db.pragma('foreign_keys = OFF');
        db.exec(`DELETE FROM issuance; DELETE FROM event WHERE seq > 2; DELETE FROM event_payload WHERE seq > 2;
          UPDATE counter SET value = 3 WHERE name = 'event'; DELETE FROM authority`);
        db.close();
      },
    ],
  ])('goes on where %s', async (_, spoil) => {
    const dir = freshDir();
    const store = await openStore(dir);
    await furnish(store);
    await store.record(anIssuance());
    await store.close();
    spoil(dir);
    await expect(openStore(dir)).rejects.toThrow();
    accept(dir);
    const again = await openStore(dir);
    expect(again.lastIssuanceSeq()).toBeGreaterThan(1_000_000);
    await again.close();
    expect(faultsOf(dir)).toEqual([]);
  });

  it('that was killed between the commit and the mark is refused still, and can be done again', async () => {
    const dir = await goneBack();
    const mark = readFileSync(join(dir, 'high-water-mark'));
    accept(dir);
    writeFileSync(join(dir, 'high-water-mark'), mark);
    expect((await refusalOfAsync(() => openStore(dir))).reason).toBe('ROLLED_BACK');
    expect(accept(dir, { now: NOW + 1_000 }).numbers.issuance).toBe(2_000_010);
    await (await openStore(dir)).close();
    expect(faultsOf(dir)).toEqual([]);
  });
});

describe('a backup', () => {
  it('is whole and private, made while a daemon writes, and is put back with sequences past all that was reached', async () => {
    const [dir, to, back] = [freshDir(), freshDir(), freshDir()];
    const store = await openStore(dir);
    await furnish(store);
    mkdirSync(join(dir, 'keys'), { mode: 0o700 });
    writeFileSync(join(dir, 'keys/x509-aa.p8'), 'key', { mode: 0o600 });
    const writing = Promise.all(Array.from({ length: 2_000 }, () => store.record(anIssuance())));
    const manifest = await backUp({ dataDir: dir, to, withKeys: true, now: NOW });
    await writing;
    await store.close();
    expect(Object.keys(manifest.files).sort()).toEqual(['assay.db', 'keys/x509-aa.p8']);
    expect([to, join(to, 'keys')].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
    expect(
      ['assay.db', 'keys/x509-aa.p8', 'MANIFEST.json'].map((name) => statSync(join(to, name)).mode & 0o777),
    ).toEqual([0o600, 0o600, 0o600]);
    putBack({ from: to, dataDir: back });
    accept(back, { cause: 'restore', keepAuthorities: true });
    const again = await openStore(back);
    expect(again.loadAuthorities()).toHaveLength(1);
    expect(again.lastIssuanceSeq()).toBeGreaterThanOrEqual(1_000_000);
    await again.close();
    expect(faultsOf(back)).toEqual([]);
    expect(readFileSync(join(back, 'keys/x509-aa.p8'), 'utf8')).toBe('key');
  });

  it('leaves out the keys where that is said', async () => {
    const [dir, to] = [freshDir(), freshDir()];
    await (await openStore(dir)).close();
    mkdirSync(join(dir, 'audit'), { mode: 0o700 });
    writeFileSync(join(dir, 'audit/log-key.p8'), 'key', { mode: 0o600 });
    const { files, with_keys } = await backUp({ dataDir: dir, to, withKeys: false, now: NOW });
    expect([Object.keys(files), with_keys, existsSync(join(to, 'audit'))]).toEqual([['assay.db'], false, false]);
  });

  it('goes into no folder that holds something, and comes from no folder without a database', async () => {
    const [dir, to] = [freshDir(), freshDir()];
    await (await openStore(dir)).close();
    mkdirSync(to);
    writeFileSync(join(to, 'x'), '');
    expect((await refusalOfAsync(() => backUp({ dataDir: dir, to, withKeys: true, now: NOW }))).reason).toBe(
      'FOLDER_NOT_EMPTY',
    );
    const nothing = await refusalOfAsync(() =>
      backUp({ dataDir: freshDir(), to: freshDir(), withKeys: true, now: NOW }),
    );
    expect(nothing.reason).toBe('DATABASE_UNUSABLE');
  });

  it.each([
    ['a file was changed', (to: string) => appendFileSync(join(to, 'assay.db'), 'x')],
    ['a file is missing', (to: string) => rmSync(join(to, 'assay.db'))],
    ['the manifest is missing', (to: string) => rmSync(join(to, 'MANIFEST.json'))],
    [
      'the manifest reaches out of it',
      (to: string) => {
        const path = join(to, 'MANIFEST.json');
        const manifest = JSON.parse(readFileSync(path, 'utf8'));
        manifest.files['keys/../../../x'] = manifest.files['assay.db'];
        writeFileSync(path, JSON.stringify(manifest));
      },
    ],
    [
      'the manifest speaks of another log',
      (to: string) => {
        const path = join(to, 'MANIFEST.json');
        const manifest = JSON.parse(readFileSync(path, 'utf8'));
        manifest.events += 1;
        writeFileSync(path, JSON.stringify(manifest));
      },
    ],
  ])('B5: is not put back where %s', async (_, spoil) => {
    const [dir, to, back] = [freshDir(), freshDir(), freshDir()];
    const store = await openStore(dir);
    await furnish(store);
    await store.close();
    await backUp({ dataDir: dir, to, withKeys: true, now: NOW });
    spoil(to);
    expect(refusalOf(() => putBack({ from: to, dataDir: back })).reason).toBe('BACKUP_NOT_WHOLE');
  });

  it('is put into no folder that holds something', async () => {
    const [dir, to] = [freshDir(), freshDir()];
    const store = await openStore(dir);
    await furnish(store);
    await store.close();
    await backUp({ dataDir: dir, to, withKeys: true, now: NOW });
    expect(refusalOf(() => putBack({ from: to, dataDir: dir })).reason).toBe('FOLDER_NOT_EMPTY');
  });
});
