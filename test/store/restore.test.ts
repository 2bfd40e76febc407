// SPDX-License-Identifier: Apache-2.0
/** Attack B5: a backup is put back whole or not at all, and what was reached after it is gone past. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { backUp, type Manifest } from '../../src/store/sqlite/backup.ts';
import { digestOf } from '../../src/store/sqlite/backup-files.ts';
import { restore } from '../../src/store/sqlite/restore.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anIssuance, BY, furnish, NOW } from './samples.ts';

const top = tempDir('restore');
const uid = process.geteuid?.() ?? 0;
const acceptance = { keepAuthorities: false, by: BY, now: NOW, random: randomBytes };
let count = 0;

function freshDir(): string {
  count += 1;
  return join(top, `data-${count}`);
}

let good = '';
beforeAll(async () => {
  const dir = freshDir();
  good = join(top, 'good');
  const store = await openStore(dir);
  await furnish(store);
  for (let at = 0; at < 9; at += 1) await store.record(anIssuance());
  mkdirSync(join(dir, 'keys'), { mode: 0o700 });
  writeFileSync(join(dir, 'keys/x509-aa.p8'), 'key', { mode: 0o600 });
  mkdirSync(good, { mode: 0o700 });
  await backUp({ dataDir: dir, to: good, withKeys: true, uid, now: NOW });
  await store.close();
});

function copyOfGood(): string {
  const copy = freshDir();
  cpSync(good, copy, { recursive: true });
  return copy;
}

const restoreTo = (dataDir: string, from = good, more: Partial<typeof acceptance> = {}) =>
  restore({ from, place: { dataDir, uid, anchors: [] }, acceptance: { ...acceptance, ...more } });

const faultsOf = (dir: string) =>
  verifyDatabase({
    databasePath: join(dir, 'assay.db'),
    markPath: join(dir, 'high-water-mark'),
    verifier: undefined,
    outside: [],
  }).faults;

function rewriteManifest(
  from: string,
  change: (manifest: { -readonly [Name in keyof Manifest]: Manifest[Name] }) => void,
): void {
  const path = join(from, 'MANIFEST.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  change(manifest);
  writeFileSync(path, JSON.stringify(manifest));
}

describe('a restored backup', () => {
  it('has what was backed up, closed to others, and goes on past it', async () => {
    const [dir, from] = [freshDir(), copyOfGood()];
    for (const name of ['assay.db', 'keys/x509-aa.p8']) chmodSync(join(from, name), 0o644);
    const { numbers, authoritiesRemoved } = restoreTo(dir, from, { keepAuthorities: true });
    expect([numbers.issuance, authoritiesRemoved]).toEqual([NOW, []]);
    expect(readdirSync(dir).sort()).toEqual(['assay.db', 'high-water-mark', 'keys', 'lock.db']);
    for (const name of ['assay.db', 'keys/x509-aa.p8', 'high-water-mark', 'lock.db'])
      expect([name, statSync(join(dir, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(readFileSync(join(dir, 'keys/x509-aa.p8'), 'utf8')).toBe('key');
    const store = await openStore(dir);
    expect([store.lastIssuanceSeq(), store.loadAuthorities().length]).toEqual([NOW, 1]);
    await store.close();
    expect(faultsOf(dir)).toEqual([]);
  });

  it('I6: has a larger bundle sequence than after the time before, though it is the same backup', async () => {
    const [first, second] = [freshDir(), freshDir()];
    restoreTo(first);
    const store = await openStore(first);
    for (let at = 0; at < 5; at += 1) await store.replaceAuthorities('x509', [], new Map(), 'aa', BY, NOW);
    const reached = store.ownBundleSequence();
    await store.close();
    restoreTo(second, good, { now: NOW + 1_000 });
    const again = await openStore(second);
    expect(again.ownBundleSequence()).toBeGreaterThan(reached);
    await again.close();
  });

  it.each<[string, (from: string) => void]>([
    ['a file was changed', (from) => appendFileSync(join(from, 'assay.db'), 'x')],
    ['a file is missing', (from) => rmSync(join(from, 'keys/x509-aa.p8'))],
    [
      'a file is a link',
      (from) => {
        renameSync(join(from, 'keys/x509-aa.p8'), join(from, 'key'));
        symlinkSync('../key', join(from, 'keys/x509-aa.p8'));
      },
    ],
    ['the manifest is missing', (from) => rmSync(join(from, 'MANIFEST.json'))],
    ['the manifest is no JSON', (from) => writeFileSync(join(from, 'MANIFEST.json'), '{')],
    ['the manifest is null', (from) => writeFileSync(join(from, 'MANIFEST.json'), 'null')],
    ['the manifest names no database', (from) => rewriteManifest(from, (said) => (said.files = {}))],
    ['the manifest is of another format', (from) => rewriteManifest(from, (said) => (said.format = 2))],
    ['the manifest speaks of other events', (from) => rewriteManifest(from, (said) => (said.events += 1))],
    ['the manifest speaks of another root', (from) => rewriteManifest(from, (said) => (said.root = 'AAAA'))],
    [
      'the manifest reaches out of it',
      (from) => {
        const outside = join(from, '../outside');
        writeFileSync(outside, 'x');
        rewriteManifest(from, (said) => {
          said.files = { ...said.files, 'keys/../../outside': digestOf(outside) };
        });
      },
    ],
    [
      'an event was rewritten, and the manifest with it',
      (from) => {
        const path = join(from, 'assay.db');
        const db = new Database(path);
        db.exec(`DROP TRIGGER event_stands; UPDATE event SET actor = 'uid:7' WHERE seq = 1`);
        db.close();
        rewriteManifest(from, (said) => (said.files = { ...said.files, 'assay.db': digestOf(path) }));
      },
    ],
  ])('B5: is refused where %s, and the folder is as it was', async (_, spoil) => {
    const [dir, from] = [freshDir(), copyOfGood()];
    spoil(from);
    expect(refusalOf(() => restoreTo(dir, from)).reason).toBe('BACKUP_NOT_WHOLE');
    expect(existsSync(dir) ? readdirSync(dir).filter((name) => name !== 'lock.db') : []).toEqual([]);
    restoreTo(dir);
    await (await openStore(dir)).close();
  });

  it('goes into no folder that holds something, is another’s, or is in use', async () => {
    const dir = freshDir();
    const store = await openStore(dir);
    expect(refusalOf(() => restoreTo(dir)).reason).toBe('DATA_DIR_IN_USE');
    await store.close();
    expect(refusalOf(() => restoreTo(dir)).reason).toBe('FOLDER_NOT_EMPTY');
    const open = freshDir();
    mkdirSync(open);
    chmodSync(open, 0o755);
    expect(refusalOf(() => restoreTo(open)).reason).toBe('DATA_DIR_UNSAFE');
    expect(readdirSync(open)).toEqual([]);
  });
});

describe('B5: a restore that was broken off', () => {
  /** As a kill leaves it: gathered, and of what is moved in place only the first. */
  function brokenOff(): string {
    const [dir, whole] = [freshDir(), freshDir()];
    restoreTo(whole);
    mkdirSync(join(dir, '.restoring'), { recursive: true, mode: 0o700 });
    chmodSync(dir, 0o700);
    renameSync(join(whole, 'assay.db'), join(dir, '.restoring/assay.db'));
    renameSync(join(whole, 'high-water-mark'), join(dir, 'high-water-mark'));
    return dir;
  }

  it('is served by no daemon, and can be done again', async () => {
    const dir = brokenOff();
    expect((await refusalOfAsync(() => openStore(dir))).reason).toBe('RESTORE_UNFINISHED');
    expect(existsSync(join(dir, 'assay.db'))).toBe(false);
    restoreTo(dir);
    await (await openStore(dir)).close();
    expect(faultsOf(dir)).toEqual([]);
  });

  it('is not cleared away with what is somebody else’s', async () => {
    const dir = brokenOff();
    writeFileSync(join(dir, 'mine'), '');
    expect(refusalOf(() => restoreTo(dir)).reason).toBe('FOLDER_NOT_EMPTY');
    expect(readdirSync(dir)).toEqual(expect.arrayContaining(['mine', '.restoring', 'high-water-mark']));
  });

  /** Runs it in a process that is killed after so long; answers whether it had come to its end. */
  async function killed(what: string, dir: string, afterMs: number): Promise<boolean> {
    const program = join(import.meta.dirname, 'restoring-child.ts');
    const child = spawn(process.execPath, [program, what, dir, good], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    child.stdin.end('\n');
    const [ended] = await Promise.race([exited, sleep(afterMs, [undefined], { ref: false })]);
    child.kill('SIGKILL');
    await exited;
    return ended === 0;
  }

  it('is before or after at whatever moment it was killed, and so is an acceptance', async () => {
    const seen = new Set<string>();
    for (let at = 0; at < 10; at += 1) {
      const dir = freshDir();
      const ended = await killed('restore', dir, Math.random() * 60);
      const before = !existsSync(join(dir, 'assay.db'));
      if (ended) expect(before).toBe(false);
      seen.add(before ? 'before' : 'after');
      if (before) restoreTo(dir);
      await (await openStore(dir)).close();
      expect(faultsOf(dir)).toEqual([]);
    }
    for (let at = 0; at < 10; at += 1) {
      const dir = freshDir();
      restoreTo(dir, good, { keepAuthorities: true });
      rmSync(join(dir, 'high-water-mark'));
      const ended = await killed('accept', dir, Math.random() * 40);
      const refused = await openStore(dir).then(
        (store) => store.close(),
        (error: unknown) => error,
      );
      if (ended) expect(refused).toBeUndefined();
      seen.add(refused === undefined ? 'accepted' : 'refused');
      if (refused !== undefined) {
        expect(refused).toMatchObject({ reason: 'ROLLED_BACK' });
        expect(await killed('accept', dir, 10_000)).toBe(true);
      }
      const store = await openStore(dir);
      expect([store.loadAuthorities(), store.ownBundleSequence() > NOW]).toEqual([[], true]);
      await store.close();
      expect(faultsOf(dir)).toEqual([]);
    }
    expect(seen.size).toBeGreaterThan(1);
  }, 120_000);
});
