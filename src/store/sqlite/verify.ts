// SPDX-License-Identifier: Apache-2.0
/**
 * Verifies a database by itself: no daemon need run, and one that does is not asked. Reads one snapshot of it.
 */
import { accessSync, constants } from 'node:fs';
import Database from 'better-sqlite3';
import {
  type Checkpoint,
  type NoteVerifier,
  openCheckpoint,
  parseVerifierKey,
  readUnverified,
  verifierKey,
} from '../../merkle/note.ts';
import { compareWithMark, readMark, storedNumbers } from './high-water-mark.ts';
import { integrity, integrityAside } from './integrity.ts';
import { unusable } from './unusable.ts';
import { RowsOfEvents } from './verify-rows.ts';
import { type Fault, type Statement, verifyTree } from './verify-tree.ts';

export type { Fault } from './verify-tree.ts';

export interface VerifyOptions {
  readonly databasePath: string;
  readonly markPath: string;
  /** Who must have signed the checkpoints; undefined: a key that the log itself names. */
  readonly verifier: NoteVerifier | undefined;
  /** Checkpoints kept outside the database, each with what to call it. */
  readonly outside: readonly { readonly row: string; readonly note: string }[];
}

export interface Verified {
  readonly events: number;
  readonly root: Buffer;
  readonly checkpoints: number;
  readonly payloadsGone: number;
  /** What checkpoints were verified with. */
  readonly keys: readonly string[];
  /** Empty where all is as it was written; at most `MOST_FAULTS`, and then `more`. */
  readonly faults: readonly Fault[];
  readonly more: number;
}

const MOST_FAULTS = 100;

export function verifyDatabase(options: VerifyOptions): Verified {
  return verifyLog(options, integrity);
}

/** The same, with another core at work on the pages. Those it reads as they are then, not in the snapshot of all else. */
export async function verifyDatabaseAside(options: VerifyOptions): Promise<Verified> {
  const pages = integrityAside(options.databasePath);
  // Its rejection is waited for below; should the log throw first, that is told.
  pages.catch(() => undefined);
  const verified = verifyLog(options, () => []);
  const found = await pages.catch((error: unknown) => {
    throw unusable(error, options.databasePath);
  });
  const faults = [...verified.faults];
  // guard: B5 test/store/verify.test.ts
  faults.unshift(...found.map((what) => ({ row: 'database', what })));
  const cut = faults.slice(0, MOST_FAULTS);
  return { ...verified, faults: cut, more: verified.more + faults.length - cut.length };
}

function verifyLog(options: VerifyOptions, look: (db: Database.Database) => readonly string[]): Verified {
  const faults: Fault[] = [];
  let more = 0;
  const fault = (one: Fault): void => {
    if (faults.length < MOST_FAULTS) faults.push(one);
    else more += 1;
  };
  // Read first: it is never ahead of the database.
  const mark = readMark(options.markPath);
  const db = openToRead(options.databasePath);
  try {
    db.exec('BEGIN');
    // guard: B5 test/store/verify.test.ts
    for (const row of look(db)) fault({ row: 'database', what: row });
    refusalAsFault(fault, 'high-water mark', () =>
      compareWithMark(storedNumbers(db), mark, options.databasePath, options.markPath),
    );
    const named = keysIn(db, fault);
    const own = named.length === 0 && options.verifier !== undefined ? [options.verifier] : named;
    const asked = options.verifier === undefined ? named : [options.verifier];
    const statements = [...checkpoints(db, own, fault), ...outside(options.outside, asked, fault)];
    const rows = new RowsOfEvents();
    const tree = verifyTree(db, statements, fault, (event) => rows.take(event));
    rows.compare(db, fault);
    return { ...tree, checkpoints: statements.length, keys: asked.map(verifierKey), faults, more };
  } catch (error) {
    throw unusable(error, options.databasePath);
  } finally {
    db.close();
  }
}

function openToRead(path: string): Database.Database {
  try {
    accessSync(path, constants.R_OK);
    return new Database(path, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw unusable(error, path);
  }
}

/** Every key that the log was ever signed with, as it says itself. */
function keysIn(db: Database.Database, fault: (fault: Fault) => void): readonly NoteVerifier[] {
  const select = `SELECT p.payload FROM event t JOIN event_payload p ON p.seq = t.seq WHERE t.kind = 'log.key'`;
  const keys: NoteVerifier[] = [];
  for (const text of db.prepare(`${select} ORDER BY t.seq`).pluck().all() as string[])
    refusalAsFault(fault, 'log.key event', () =>
      keys.push(parseVerifierKey((JSON.parse(text) as { key: string }).key)),
    );
  return keys;
}

function checkpoints(
  db: Database.Database,
  verifiers: readonly NoteVerifier[],
  fault: (fault: Fault) => void,
): Statement[] {
  const rows = db.prepare('SELECT size, root, note FROM checkpoint ORDER BY size').raw();
  return (rows.all() as [number, Buffer, string][]).map(([size, root, note]) => {
    const row = `checkpoint over ${size} events`;
    refusalAsFault(fault, row, () => {
      const opened = openWithOneOf(note, verifiers);
      if (opened.size !== size || !opened.root.equals(root))
        fault({ row, what: 'its columns are not what its note says' });
    });
    return { row, size, root };
  });
}

function outside(
  kept: VerifyOptions['outside'],
  verifiers: readonly NoteVerifier[],
  fault: (fault: Fault) => void,
): Statement[] {
  const statements: Statement[] = [];
  for (const { row, note } of kept)
    refusalAsFault(fault, row, () => statements.push({ row, ...openWithOneOf(note, verifiers) }));
  return statements;
}

/** The newest key first: it is the likeliest. Throws what that one says. */
function openWithOneOf(note: string, verifiers: readonly NoteVerifier[]): Checkpoint {
  const [newest, ...older] = verifiers.toReversed();
  if (newest === undefined) return readUnverified(note);
  try {
    return openCheckpoint(note, newest);
  } catch (error) {
    const other = older.find((verifier) => opens(note, verifier));
    if (other === undefined) throw error;
    return openCheckpoint(note, other);
  }
}

function opens(note: string, verifier: NoteVerifier): boolean {
  try {
    openCheckpoint(note, verifier);
    return true;
  } catch {
    return false;
  }
}

function refusalAsFault(fault: (fault: Fault) => void, row: string, look: () => void): void {
  try {
    look();
  } catch (error) {
    fault({ row, what: (error as Error).message });
  }
}
