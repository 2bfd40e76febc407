// SPDX-License-Identifier: Apache-2.0
/**
 * The largest numbers this daemon has reached, kept beside the database (attack B5): a database that comes back with
 * smaller ones has been rolled back, as when its main file is copied without the `-wal` beside it.
 *
 * The mark is written after the commit it speaks of, never before, so a crash can only leave it behind the database.
 */
import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure, quote } from '../../lib/failure.ts';

export interface Mark {
  readonly change: number;
  readonly bundle: number;
  readonly issuance: number;
}

const WORDS: readonly (readonly [keyof Mark, string])[] = [
  ['change', 'change sequence'],
  ['bundle', 'bundle sequence'],
  ['issuance', 'issuance sequence'],
];

/** Undefined when there is none. */
export function readMark(path: string): Mark | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const mark = parseMark(text);
  if (mark !== undefined) return mark;
  throw new Failure('failed-precondition', 'MARK_UNREADABLE', `the high-water mark ${path} holds ${quote(text)}`, {
    field: 'data_dir',
    value: path,
    hint: 'restore the whole data folder, this file with it, from a backup',
  });
}

function parseMark(text: string): Mark | undefined {
  const found = /^change (\d{1,15})\nbundle (\d{1,15})\nissuance (\d{1,15})\n$/.exec(text);
  if (found === null) return undefined;
  return { change: Number(found[1]), bundle: Number(found[2]), issuance: Number(found[3]) };
}

/** Durable when it returns: a new file, synced, put in the old one's place, and the folder synced. */
export function writeMark(path: string, mark: Mark): void {
  const fresh = `${path}.new`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = openSync(fresh, flags, 0o600);
  try {
    writeSync(file, `change ${mark.change}\nbundle ${mark.bundle}\nissuance ${mark.issuance}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Refuses a database that has gone back, naming both numbers (attack B5). */
export function compareWithMark(stored: Mark, mark: Mark | undefined, databasePath: string, markPath: string): void {
  const hint =
    'restore the whole data folder from a backup: the database with its -wal file and the high-water mark together; nothing is issued until then';
  if (mark === undefined) {
    if (WORDS.every(([key]) => stored[key] === 0)) return;
    throw new Failure(
      'failed-precondition',
      'ROLLED_BACK',
      `the high-water mark ${markPath} is missing beside ${databasePath}, which holds data (change sequence ${stored.change}), so nothing shows that the data is whole`,
      { field: 'data_dir', value: markPath, hint },
    );
  }
  const lower = WORDS.filter(([key]) => stored[key] < mark[key]);
  if (lower.length === 0) return;
  const told = lower.map(([key, words]) => `${words} ${stored[key]} where ${mark[key]} was reached`).join(', ');
  throw new Failure('failed-precondition', 'ROLLED_BACK', `the database ${databasePath} has gone back: ${told}`, {
    field: 'data_dir',
    value: databasePath,
    hint,
  });
}
