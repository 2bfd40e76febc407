// SPDX-License-Identifier: Apache-2.0
/** Attack B5: a database that has gone back goes on only on purpose, and a backup is put back whole or not at all. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { type Acceptance, acceptRollback, inspectRollback } from '../../src/store/sqlite/accept-rollback.ts';
import { backUp } from '../../src/store/sqlite/backup.ts';
import { storedNumbers } from '../../src/store/sqlite/high-water-mark.ts';
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
  mkdirSync(early, { mode: 0o700 });
  await backUp({ dataDir: dir, to: early, withKeys: true, uid, now: NOW });
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
    expect(numbers).toMatchObject({ issuance: NOW, bundle: NOW });
    expect(authoritiesRemoved).toHaveLength(1);
    expect(putAside.map((path) => existsSync(path))).toEqual([true]);
    const store = await openStore(dir);
    expect(store.lastIssuanceSeq()).toBe(NOW);
    expect(store.ownBundleSequence()).toBeGreaterThanOrEqual(NOW);
    expect(store.lastChangeSeq()).toBeGreaterThan(NOW);
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

  it('I6: goes past what was reached also with a clock that has stood still', async () => {
    expect(accept(await goneBack(), { now: 7 }).numbers.issuance).toBe(1_000_010);
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
    expect(accept(dir, { now: NOW + 1_000 }).numbers.issuance).toBe(NOW + 1_000_000);
    await (await openStore(dir)).close();
    expect(faultsOf(dir)).toEqual([]);
  });
});

describe('a backup', () => {
  it('is whole and private', async () => {
    const [dir, to] = [freshDir(), freshDir()];
    const store = await openStore(dir);
    await furnish(store);
    mkdirSync(join(dir, 'keys'), { mode: 0o700 });
    writeFileSync(join(dir, 'keys/x509-aa.p8'), 'key', { mode: 0o644 });
    writeFileSync(join(dir, 'keys/x509-aa.p8.new'), 'half a key');
    mkdirSync(to, { mode: 0o700 });
    const umask = process.umask(0);
    const manifest = await backUp({ dataDir: dir, to, withKeys: true, uid, now: NOW }).finally(() =>
      process.umask(umask),
    );
    await store.close();
    expect(Object.keys(manifest.files).sort()).toEqual(['assay.db', 'keys/x509-aa.p8']);
    expect(readdirSync(to).sort()).toEqual(['MANIFEST.json', 'assay.db', 'keys']);
    const modes = (names: readonly string[]) => names.map((name) => statSync(join(to, name)).mode & 0o777);
    expect(modes(['.', 'keys'])).toEqual([0o700, 0o700]);
    expect(modes(['assay.db', 'keys/x509-aa.p8', 'MANIFEST.json'])).toEqual([0o600, 0o600, 0o600]);
    expect(JSON.parse(readFileSync(join(to, 'MANIFEST.json'), 'utf8'))).toEqual(manifest);
    expect(manifest).toMatchObject({ format: 1, made_at: '2030-01-01T00:00:00.000Z', with_keys: true });
  });

  it('I3: comes to its end, and is of one moment, while a daemon never stops to write', async () => {
    const [dir, to] = [freshDir(), freshDir()];
    const store = await openStore(dir);
    await furnish(store);
    // Enough that a copy in many steps never gets through between two commits.
    for (let at = 0; at < 30; at += 1)
      await Promise.all(Array.from({ length: 1_000 }, () => store.record(anIssuance())));
    await store.close();
    mkdirSync(to, { mode: 0o700 });
    const writer = spawn(process.execPath, [join(import.meta.dirname, 'writing-child.ts'), dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(writer, 'exit');
    try {
      await once(writer.stdout, 'data');
      writer.stdout.resume();
      const began = performance.now();
      const manifest = await backUp({ dataDir: dir, to, withKeys: true, uid, now: NOW });
      expect(performance.now() - began).toBeLessThan(3_000);
      // It still writes.
      await once(writer.stdout, 'data');
      expect(manifest.events).toBeGreaterThan(30_000);
    } finally {
      writer.kill('SIGKILL');
      await ended;
    }
    const db = new Database(join(to, 'assay.db'), { readonly: true });
    const { events, issuance } = storedNumbers(db);
    expect(db.prepare('SELECT count(*) FROM event').pluck().get()).toBe(events);
    expect(db.prepare('SELECT count(*) FROM issuance').pluck().get()).toBe(issuance);
    db.close();
    // Without a mark of its own, which is all that is missing.
    expect(faultsOf(to)).toEqual([expect.stringContaining('high-water mark')]);
  });

  it('leaves out the keys where that is said', async () => {
    const [dir, to] = [freshDir(), freshDir()];
    await (await openStore(dir)).close();
    mkdirSync(join(dir, 'audit'), { mode: 0o700 });
    writeFileSync(join(dir, 'audit/log-key.p8'), 'key', { mode: 0o600 });
    mkdirSync(to, { mode: 0o700 });
    const { files, with_keys } = await backUp({ dataDir: dir, to, withKeys: false, uid, now: NOW });
    expect([Object.keys(files), with_keys, existsSync(join(to, 'audit'))]).toEqual([['assay.db'], false, false]);
  });

  it('follows no link to a key', async () => {
    const [dir, to] = [freshDir(), freshDir()];
    await (await openStore(dir)).close();
    mkdirSync(join(dir, 'keys'), { mode: 0o700 });
    symlinkSync('/etc/hostname', join(dir, 'keys/x.p8'));
    mkdirSync(to, { mode: 0o700 });
    await expect(backUp({ dataDir: dir, to, withKeys: true, uid, now: NOW })).rejects.toThrow('ELOOP');
  });

  it('goes into no folder that holds something, and comes from no folder without a database', async () => {
    const [dir, to] = [freshDir(), freshDir()];
    await (await openStore(dir)).close();
    mkdirSync(to, { mode: 0o700 });
    writeFileSync(join(to, 'x'), '');
    const full = await refusalOfAsync(() => backUp({ dataDir: dir, to, withKeys: true, uid, now: NOW }));
    expect(full.reason).toBe('FOLDER_NOT_EMPTY');
    const nothing = await refusalOfAsync(() => backUp({ dataDir: freshDir(), to, withKeys: true, uid, now: NOW }));
    expect([nothing.reason, nothing.kind]).toEqual(['DATABASE_UNUSABLE', 'not-found']);
  });

  it.each([0o750, 0o707, 0o1777])('I10: goes into no folder of mode %o', async (mode) => {
    const [dir, to] = [freshDir(), freshDir()];
    await (await openStore(dir)).close();
    mkdirSync(to);
    chmodSync(to, mode);
    const refused = await refusalOfAsync(() => backUp({ dataDir: dir, to, withKeys: true, uid, now: NOW }));
    expect([refused.reason, refused.value]).toEqual(['FOLDER_UNSAFE', to]);
    expect(readdirSync(to)).toEqual([]);
  });

  it('I10: is made by the owner of the folder and by root, and by nobody else', async () => {
    const [dir, to] = [freshDir(), freshDir()];
    await (await openStore(dir)).close();
    mkdirSync(to, { mode: 0o700 });
    const stranger = { dataDir: dir, to, withKeys: true, uid: uid + 1, now: NOW };
    expect(await refusalOfAsync(() => backUp(stranger))).toMatchObject({
      kind: 'permission-denied',
      reason: 'NOT_THE_OWNER',
      hint: `run it as uid ${uid}, or as root`,
    });
  });
});
