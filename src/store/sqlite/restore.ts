// SPDX-License-Identifier: Apache-2.0
/**
 * Puts a backup into an empty data folder, and accepts that it is older than what was reached (attack B5). All is gathered
 * and accepted in a folder below; the database is moved out of it last. Until then the folder is refused at a start and can
 * be restored into again; from then on it is whole.
 */
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { Frontier } from '../../merkle/frontier.ts';
import { type EventHeader, eventLeaf } from '../events.ts';
import { type Acceptance, type Accepted, acceptRollback, type RollbackPlace } from './accept-rollback.ts';
import {
  copyHashed,
  DATABASE,
  FOLDERS,
  factsOf,
  type Manifest,
  notEmpty,
  notWhole,
  readManifest,
  sync,
} from './backup-files.ts';
import { type DataFiles, isHalfRestored, prepareFolder } from './data-dir.ts';
import { lockDataDir } from './instance-lock.ts';
import { unusable } from './unusable.ts';

export interface RestoreOptions {
  readonly from: string;
  readonly place: RollbackPlace;
  readonly acceptance: Omit<Acceptance, 'cause'>;
}

/** Throws Failure('failed-precondition') with BACKUP_NOT_WHOLE, FOLDER_NOT_EMPTY, or what a data folder is refused with. */
export function restore({ from, place, acceptance }: RestoreOptions): Accepted {
  const manifest = readManifest(from);
  const files = prepareFolder(place.dataDir, place.uid);
  const lock = lockDataDir(files.lock, files.dir);
  try {
    clear(files);
    const accepted = prepare(files, from, manifest, place, acceptance);
    putInPlace(files);
    return accepted;
  } catch (error) {
    throw unusable(error, files.database);
  } finally {
    lock.release();
  }
}

/** What a restore that was broken off has left is taken away; anything else is somebody's. */
function clear(files: DataFiles): void {
  const names = readdirSync(files.dir).filter((name) => !name.startsWith('lock.db'));
  if (names.length === 0) return;
  const ours = new Set(['.restoring', 'high-water-mark', ...FOLDERS]);
  // guard: B5 test/store/restore.test.ts
  if (!isHalfRestored(files) || !names.every((name) => ours.has(name))) throw notEmpty(files.dir, '--data-dir');
  for (const name of names) if (name !== '.restoring') rmSync(join(files.dir, name), { recursive: true });
  rmSync(files.restoring, { recursive: true });
}

function prepare(
  { restoring }: DataFiles,
  from: string,
  manifest: Manifest,
  place: RollbackPlace,
  acceptance: RestoreOptions['acceptance'],
): Accepted {
  try {
    gather(from, manifest, restoring);
    return acceptRollback({ ...place, dataDir: restoring }, { ...acceptance, cause: 'restore' });
  } catch (error) {
    rmSync(restoring, { recursive: true, force: true });
    throw error;
  }
}

function gather(from: string, manifest: Manifest, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  for (const folder of FOLDERS)
    if (Object.keys(manifest.files).some((path) => path.startsWith(`${folder}/`)))
      mkdirSync(join(to, folder), { mode: 0o700 });
  for (const [path, digest] of Object.entries(manifest.files)) {
    // guard: B5 test/store/restore.test.ts
    if (copied(join(from, path), join(to, path)) !== digest)
      throw notWhole(from, `${path} is missing or is not what was backed up`);
  }
  const facts = factsOf(join(to, DATABASE));
  // guard: B5 test/store/restore.test.ts
  if (facts.root !== manifest.root || facts.events !== manifest.events)
    throw notWhole(from, 'its log is not the one that the manifest speaks of');
  // guard: B5 test/store/restore.test.ts
  if (rootOfEvents(join(to, DATABASE)) !== manifest.root)
    throw notWhole(from, 'the events of its log are not those that its root stands for');
}

function copied(from: string, to: string): string | undefined {
  try {
    return copyHashed(from, to);
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Hashed anew from what the events say, not from what is stored of their tree. Base64. */
function rootOfEvents(path: string): string {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const frontier = Frontier.at(0, () => Buffer.alloc(0));
    const columns = 'seq, at, kind, actor, identity, task, payload_sha256 AS payloadSha256';
    for (const row of db.prepare(`SELECT ${columns} FROM event ORDER BY seq`).iterate())
      frontier.append(eventLeaf(row as EventHeader));
    return frontier.root().toString('base64');
  } finally {
    db.close();
  }
}

function putInPlace({ dir, restoring, database }: DataFiles): void {
  for (const name of readdirSync(restoring).filter((one) => one.startsWith('lock.db'))) rmSync(join(restoring, name));
  for (const name of readdirSync(restoring)) {
    const path = join(restoring, name);
    sync(path);
    if (name !== DATABASE) renameSync(path, join(dir, name));
  }
  sync(dir);
  renameSync(join(restoring, DATABASE), database);
  for (const folder of [restoring, dir]) sync(folder);
  rmdirSync(restoring);
  sync(dir);
  sync(dirname(dir));
}
