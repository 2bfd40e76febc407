// SPDX-License-Identifier: Apache-2.0
/**
 * A copy of the data folder that can be put back: the database as it stood at one moment, also while a daemon writes to it,
 * with the keys and the log's own, and a manifest that says what belongs to it.
 */
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import {
  copyHashed,
  DATABASE,
  digestOf,
  FOLDERS,
  FORMAT,
  factsOf,
  MANIFEST,
  type Manifest,
  refuseUnlessEmpty,
  sync,
} from './backup-files.ts';
import { dataFiles } from './data-dir.ts';
import { unusable } from './unusable.ts';

export type { Manifest } from './backup-files.ts';

/** More than a database can have (sqlite.org/limits.html, SQLITE_MAX_PAGE_COUNT, as far as the call takes a number). */
const ALL_PAGES = 0x7fff_ffff;

export interface BackUpOptions {
  readonly dataDir: string;
  /** Is there, empty, and ours alone. */
  readonly to: string;
  readonly withKeys: boolean;
  /** Of whoever asks. */
  readonly uid: number;
  readonly now: number;
}

/** Resolves when all of it is on the disk. What is without a manifest is no backup. */
export async function backUp({ dataDir, to, withKeys, uid, now }: BackUpOptions): Promise<Manifest> {
  const { database } = dataFiles(dataDir);
  refuseStrangers(dataDir, database, uid);
  refuseUnlessEmpty(to, '--to', uid);
  const files = new Map<string, string>();
  const copy = join(to, DATABASE);
  await copyDatabase(database, copy);
  files.set(DATABASE, digestOf(copy));
  // After the database: a key that it names may be there already, and is never taken away while it is named.
  if (withKeys)
    for (const folder of FOLDERS)
      for (const [path, digest] of copyKeys(join(dataDir, folder), to, folder)) files.set(path, digest);
  const manifest = {
    format: FORMAT,
    made_at: new Date(now).toISOString(),
    ...factsOf(copy),
    with_keys: withKeys,
    files: Object.fromEntries(files),
  };
  const said = join(to, MANIFEST);
  writeFileSync(said, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  for (const path of [said, to, dirname(to)]) sync(path);
  return manifest;
}

/** Whoever may read the folder by chance is no operator of it. */
function refuseStrangers(dataDir: string, database: string, uid: number): void {
  let owner: number;
  try {
    owner = lstatSync(dataDir).uid;
    lstatSync(database);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noDatabase(database);
    throw unusable(error, database);
  }
  // guard: I10 test/store/backup.test.ts
  if (uid !== 0 && uid !== owner) throw stranger(dataDir, owner, uid);
}

function stranger(dataDir: string, owner: number, uid: number): Failure {
  return new Failure('permission-denied', 'NOT_THE_OWNER', `${dataDir} belongs to uid ${owner}, you are uid ${uid}`, {
    field: 'data_dir',
    value: dataDir,
    hint: `run it as uid ${owner}, or as root`,
  });
}

/**
 * In one step, from one snapshot: a copy in several begins anew whenever somebody else has written in between
 * (sqlite.org/backup.html), and so would never end beside a daemon that issues.
 */
async function copyDatabase(from: string, to: string): Promise<void> {
  try {
    closeSync(openSync(to, 'wx', 0o600));
    const db = new Database(from, { readonly: true, fileMustExist: true });
    try {
      await db.backup(to, { progress: () => ALL_PAGES });
    } finally {
      db.close();
    }
    const fresh = new Database(to);
    // One file, without a log beside it.
    fresh.pragma('journal_mode = DELETE');
    fresh.close();
    sync(to);
  } catch (error) {
    throw unusable(error, from);
  }
}

/** Path within the backup, and digest. */
function copyKeys(from: string, to: string, folder: string): readonly (readonly [string, string])[] {
  if (!existsSync(from)) return [];
  mkdirSync(join(to, folder), { mode: 0o700 });
  const copied = readdirSync(from)
    .filter(isKept)
    .map((name) => [`${folder}/${name}`, copyHashed(join(from, name), join(to, folder, name))] as const);
  sync(join(to, folder));
  return copied;
}

/** A checkpoint may be newer than the copy of the database, and the next one is signed soon. */
function isKept(name: string): boolean {
  return name.endsWith('.p8');
}

function noDatabase(path: string): Failure {
  return new Failure('not-found', 'DATABASE_UNUSABLE', `there is no database ${path}`, {
    field: 'data_dir',
    value: path,
    hint: 'name the data folder of the daemon: --data-dir, or --config',
  });
}
