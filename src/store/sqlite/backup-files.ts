// SPDX-License-Identifier: Apache-2.0
/** The files of a backup: its manifest, copies that are hashed on their way, and folders that are ours alone. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import { storedNumbers } from './high-water-mark.ts';

export const MANIFEST = 'MANIFEST.json';
export const FORMAT = 1;
/** The name of the database, in a backup as in the data folder. */
export const DATABASE = 'assay.db';
/** Folders of the data folder beside the database; each file in them belongs to the backup. */
export const FOLDERS = ['keys', 'audit'] as const;

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

/** What a database is, as its manifest says it. */
export type Facts = Pick<Manifest, 'trust_domain' | 'events' | 'root'>;

export function factsOf(path: string): Facts {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const { events, rootAt } = storedNumbers(db);
    const name = db.prepare(`SELECT value FROM meta WHERE key = 'trust_domain'`).pluck().get() as string | undefined;
    return { trust_domain: name ?? null, events, root: rootAt(events).toString('base64') };
  } finally {
    db.close();
  }
}

/** Throws Failure('failed-precondition', 'BACKUP_NOT_WHOLE'). */
export function readManifest(from: string): Manifest {
  let manifest: Partial<Manifest> | null;
  try {
    manifest = JSON.parse(readFileSync(join(from, MANIFEST), 'utf8')) as Partial<Manifest> | null;
  } catch (cause) {
    throw notWhole(from, `${MANIFEST} cannot be read: ${(cause as Error).message}`);
  }
  const { format, files } = manifest ?? {};
  if (format !== FORMAT || typeof files !== 'object' || files === null || !Object.hasOwn(files, DATABASE))
    throw notWhole(from, `${MANIFEST} is of another format`);
  for (const path of Object.keys(files)) {
    // guard: B5 test/store/restore.test.ts — a manifest must not reach out of its folder
    if (!isPlainPath(path)) throw notWhole(from, `${MANIFEST} names ${path}, which belongs to no backup`);
  }
  return manifest as Manifest;
}

function isPlainPath(path: string): boolean {
  return /^(?:assay\.db|(?:keys|audit)\/[A-Za-z0-9_-][A-Za-z0-9._-]*)$/.test(path);
}

const CHUNK = 1 << 20;

/** Copies a regular file to a name that is free, 0600. Answers SHA-256 of what was written, hex. */
export function copyHashed(from: string, to: string): string {
  const source = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const target = openSync(to, 'wx', 0o600);
    try {
      const hash = createHash('sha256');
      for (const chunk of chunksOf(source)) {
        hash.update(chunk);
        for (let at = 0; at < chunk.length; ) at += writeSync(target, chunk, at);
      }
      fsyncSync(target);
      return hash.digest('hex');
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** SHA-256, hex. A file may be larger than a buffer can be. */
export function digestOf(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const hash = createHash('sha256');
    for (const chunk of chunksOf(file)) hash.update(chunk);
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
}

function* chunksOf(file: number): Generator<Buffer> {
  const buffer = Buffer.alloc(CHUNK);
  for (let count = readSync(file, buffer); count > 0; count = readSync(file, buffer)) yield buffer.subarray(0, count);
}

/** Only in a folder that is ours and closed does nobody else read a key, or put a link, while it is filled. */
export function refuseUnlessEmpty(path: string, field: string, uid: number): void {
  const stat = lstatSync(path);
  const mode = stat.mode & 0o7777;
  // guard: I10 test/store/backup.test.ts
  if (!stat.isDirectory() || stat.uid !== uid || (mode & 0o077) !== 0) {
    const is = stat.isDirectory()
      ? `has uid ${stat.uid} and mode ${mode.toString(8).padStart(4, '0')}`
      : 'is no folder';
    throw new Failure('failed-precondition', 'FOLDER_UNSAFE', `${field} ${path} ${is}: others may reach it`, {
      field,
      value: path,
      hint: 'name a folder of your own with mode 0700, or one that is not there yet',
    });
  }
  if (readdirSync(path).length > 0) throw notEmpty(path, field);
}

export function notEmpty(path: string, field: string): Failure {
  return new Failure('failed-precondition', 'FOLDER_NOT_EMPTY', `${field} ${path} is not empty`, {
    field,
    value: path,
    hint: 'name a folder that is empty, or not there yet',
  });
}

export function notWhole(from: string, why: string): Failure {
  return new Failure('failed-precondition', 'BACKUP_NOT_WHOLE', `the backup ${from} is not whole: ${why}`, {
    field: '--from',
    value: from,
    hint: 'use another backup',
  });
}

/** A file or a folder, on the disk when it returns. */
export function sync(path: string): void {
  const file = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
