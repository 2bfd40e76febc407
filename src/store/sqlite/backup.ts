// SPDX-License-Identifier: Apache-2.0
/**
 * A copy of the data folder that can be put back: the database as it stood at one moment, also while a daemon writes to it,
 * with the keys and the log's own, and a manifest that says what belongs to it.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import Database from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import { dataFiles } from './data-dir.ts';
import { storedNumbers } from './high-water-mark.ts';
import { unusable } from './unusable.ts';

/** Folders of the data folder beside the database; each file in them belongs to the backup. */
const FOLDERS = ['keys', 'audit'] as const;
const MANIFEST = 'MANIFEST.json';
const FORMAT = 1;

export interface Manifest {
  readonly format: number;
  readonly made_at: string;
  readonly trust_domain: string | null;
  readonly events: number;
  /** Of the log's tree, base64. */
  readonly root: string;
  readonly with_keys: boolean;
  /** Path within the backup to SHA-256, hex. */
  readonly files: Readonly<Record<string, string>>;
}

/** Resolves when all of it is on the disk. `to` is made, or is there and empty. */
export async function backUp(opts: {
  readonly dataDir: string;
  readonly to: string;
  readonly withKeys: boolean;
  readonly now: number;
}): Promise<Manifest> {
  const { dataDir, to, withKeys, now } = opts;
  const files = dataFiles(dataDir);
  if (!existsSync(files.database)) throw noDatabase(files.database);
  emptyFolder(to, '--to');
  const copy = join(to, 'assay.db');
  await copyDatabase(files.database, copy);
  if (withKeys) for (const folder of FOLDERS) copyFolder(join(dataDir, folder), join(to, folder));
  const facts = factsOf(copy);
  const digests = Object.fromEntries(filesIn(to).map((path) => [relative(to, path), digestOf(path)]));
  const manifest = {
    format: FORMAT,
    made_at: new Date(now).toISOString(),
    ...facts,
    with_keys: withKeys,
    files: digests,
  };
  writeFileSync(join(to, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  for (const path of [...filesIn(to), ...foldersIn(to), dirname(to)]) sync(path);
  return manifest;
}

/** Puts the files in place, each held against the manifest before and the log's root after. What follows is an acceptance. */
export function putBack(opts: { readonly from: string; readonly dataDir: string }): Manifest {
  const { from, dataDir } = opts;
  const manifest = readManifest(from);
  for (const [path, digest] of Object.entries(manifest.files)) {
    // guard: B5 test/store/backup.test.ts
    if (!isPlainPath(path) || !existsSync(join(from, path)) || digestOf(join(from, path)) !== digest)
      throw notWhole(from, `${path} is missing or is not what was backed up`);
  }
  emptyFolder(dataDir, '--data-dir');
  for (const path of Object.keys(manifest.files)) {
    mkdirSync(dirname(join(dataDir, path)), { recursive: true, mode: 0o700 });
    copyFileSync(join(from, path), join(dataDir, path), constants.COPYFILE_EXCL);
  }
  const facts = factsOf(join(dataDir, 'assay.db'));
  // guard: B5 test/store/backup.test.ts
  if (facts.root !== manifest.root || facts.events !== manifest.events)
    throw notWhole(from, 'its log is not the one that the manifest speaks of');
  for (const path of [...filesIn(dataDir), ...foldersIn(dataDir), dirname(dataDir)]) sync(path);
  return manifest;
}

async function copyDatabase(from: string, to: string): Promise<void> {
  try {
    const db = new Database(from, { readonly: true, fileMustExist: true });
    try {
      await db.backup(to);
    } finally {
      db.close();
    }
    const fresh = new Database(to);
    // One file, without a log beside it.
    fresh.pragma('journal_mode = DELETE');
    fresh.close();
    chmodSync(to, 0o600);
  } catch (error) {
    throw unusable(error, from);
  }
}

function factsOf(path: string): Pick<Manifest, 'trust_domain' | 'events' | 'root'> {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const { events, rootAt } = storedNumbers(db);
    const name = db.prepare(`SELECT value FROM meta WHERE key = 'trust_domain'`).pluck().get() as string | undefined;
    return { trust_domain: name ?? null, events, root: rootAt(events).toString('base64') };
  } finally {
    db.close();
  }
}

function readManifest(from: string): Manifest {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(join(from, MANIFEST), 'utf8')) as Manifest;
  } catch (cause) {
    throw notWhole(from, `${MANIFEST} cannot be read: ${(cause as Error).message}`);
  }
  if (manifest.format !== FORMAT || typeof manifest.files !== 'object')
    throw notWhole(from, `${MANIFEST} is of another format`);
  return manifest;
}

/** Made 0700 where it is not there. */
function emptyFolder(path: string, field: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (readdirSync(path).length === 0) return;
  throw new Failure('failed-precondition', 'FOLDER_NOT_EMPTY', `${field} ${path} is not empty`, {
    field,
    value: path,
    hint: 'name a folder that is empty, or not there yet',
  });
}

function copyFolder(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(to, { mode: 0o700 });
  for (const name of readdirSync(from))
    if (isKept(name)) copyFileSync(join(from, name), join(to, name), constants.COPYFILE_EXCL);
}

/** A checkpoint may be newer than the copy of the database, and the next one is signed soon. */
function isKept(name: string): boolean {
  return name.endsWith('.p8');
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function foldersIn(folder: string): readonly string[] {
  return [
    folder,
    ...readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isDirectory()),
  ];
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Within the folder: the manifest of somebody else must not reach out of it. */
function isPlainPath(path: string): boolean {
  return /^(?:assay\.db|(?:keys|audit)\/[A-Za-z0-9._-]+)$/.test(path) && !path.includes('..');
}

function sync(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function noDatabase(path: string): Failure {
  return new Failure('not-found', 'DATABASE_UNUSABLE', `there is no database ${path}`, {
    field: 'data_dir',
    value: path,
    hint: 'name the data folder of the daemon: --data-dir, or --config',
  });
}

function notWhole(from: string, why: string): Failure {
  return new Failure('failed-precondition', 'BACKUP_NOT_WHOLE', `the backup ${from} is not whole: ${why}`, {
    field: '--from',
    value: from,
    hint: 'use another backup',
  });
}
