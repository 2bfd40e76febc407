// SPDX-License-Identifier: Apache-2.0
/**
 * The largest numbers this daemon has reached, kept beside the database (attack B5): a database that comes back with
 * smaller ones has been rolled back, as when its main file is copied without the `-wal` beside it.
 *
 * The mark is written after the commit it speaks of, never before, so a crash can only leave it behind the database.
 */
import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import { rootOf } from '../../merkle/proof.ts';
import { readCounter } from './counters.ts';
import { storedSubtree } from './tree-nodes.ts';

export interface Mark {
  readonly change: number;
  readonly bundle: number;
  readonly issuance: number;
  /** The tree of the log (RFC 9162). Undefined in a mark of before there was one. */
  readonly tree: { readonly size: number; readonly root: Buffer } | undefined;
}

const WORDS: readonly (readonly [Exclude<keyof Mark, 'tree'>, string])[] = [
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
    hint: 'put the whole folder back, this file with it; where there is no better copy: assay audit accept-rollback',
  });
}

const MARK =
  /^change (\d{1,15})\nbundle (\d{1,15})\nissuance (\d{1,15})\n(?:event (\d{1,15})\nroot ([0-9a-f]{64})\n)?$/;

function parseMark(text: string): Mark | undefined {
  const found = MARK.exec(text);
  if (found === null) return undefined;
  const [, change, bundle, issuance, size, root] = found;
  const tree = root === undefined ? undefined : { size: Number(size), root: Buffer.from(root, 'hex') };
  return { change: Number(change), bundle: Number(bundle), issuance: Number(issuance), tree };
}

/** Durable when it returns: a new file, synced, put in the old one's place, and the folder synced. */
export function writeMark(path: string, mark: Mark): void {
  const fresh = `${path}.new`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = openSync(fresh, flags, 0o600);
  try {
    writeSync(file, markText(mark));
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

function markText({ change, bundle, issuance, tree }: Mark): string {
  const numbers = `change ${change}\nbundle ${bundle}\nissuance ${issuance}\n`;
  return tree === undefined ? numbers : `${numbers}event ${tree.size}\nroot ${tree.root.toString('hex')}\n`;
}

/** What the database says of itself. */
export interface StoredNumbers extends Pick<Mark, 'change' | 'bundle' | 'issuance'> {
  readonly events: number;
  /** The root of its first `size` events; throws where some of them are not there. */
  rootAt(size: number): Buffer;
}

export function storedNumbers(db: Database): StoredNumbers {
  const subtree = storedSubtree(db);
  return {
    change: readCounter(db, 'change'),
    bundle: readCounter(db, 'bundle'),
    issuance: readCounter(db, 'issuance'),
    events: readCounter(db, 'event'),
    rootAt: (size) => rootOf(size, subtree),
  };
}

/** Refuses a database that has gone back, naming both numbers (attack B5). */
export function compareWithMark(
  stored: StoredNumbers,
  mark: Mark | undefined,
  databasePath: string,
  markPath: string,
): void {
  const hint =
    'put the whole folder back, the database with its -wal file and the high-water mark together; where there is no better copy: assay audit accept-rollback. Nothing is issued until then';
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
  const told = lower.map(([key, words]) => `${words} ${stored[key]} where ${mark[key]} was reached`);
  told.push(...treeFaults(stored, mark.tree));
  if (told.length === 0) return;
  throw new Failure(
    'failed-precondition',
    'ROLLED_BACK',
    `the database ${databasePath} has gone back: ${told.join(', ')}`,
    {
      field: 'data_dir',
      value: databasePath,
      hint,
    },
  );
}

function treeFaults(stored: StoredNumbers, tree: Mark['tree']): readonly string[] {
  if (tree === undefined) return [];
  if (stored.events < tree.size) return [`${stored.events} events in the log where ${tree.size} were reached`];
  // guard: B5 test/store/rollback.test.ts
  if (!rootOrNone(stored, tree.size)?.equals(tree.root))
    return [`the first ${tree.size} events of the log are not those that were written`];
  return [];
}

function rootOrNone(stored: StoredNumbers, size: number): Buffer | undefined {
  try {
    return stored.rootAt(size);
  } catch {
    return undefined;
  }
}
