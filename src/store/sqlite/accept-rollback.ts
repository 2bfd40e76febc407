// SPDX-License-Identifier: Apache-2.0
/**
 * Accepts on purpose that a database has gone back (attack B5): written down in its log, with every sequence past all that
 * anybody may have seen, and without the authorities that may have signed what is not known any more.
 *
 * The database is committed first and the mark written after it. Between the two it is still refused at the start, and this
 * can be done again: there is no half of it.
 */
import { existsSync, renameSync } from 'node:fs';
import Database from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import { readUnverified } from '../../merkle/note.ts';
import { ChangeLog } from './change-log.ts';
import { Counters } from './counters.ts';
import { type DataFiles, prepareDataDir } from './data-dir.ts';
import { EventLog, type RandomBytes } from './event-log.ts';
import {
  compareWithMark,
  type Mark,
  readMark,
  type StoredNumbers,
  storedNumbers,
  writeMark,
} from './high-water-mark.ts';
import { lockDataDir } from './instance-lock.ts';
import { beginLog } from './log-begin.ts';
import { migrate } from './migrate.ts';
import { setPragmas } from './pragmas.ts';
import { authoritiesRow } from './row-payload.ts';
import { unusable } from './unusable.ts';

/** More than is counted between two writings of a mark. */
const JUMP = 1_000_000;

export interface Numbers extends Pick<Mark, 'change' | 'bundle' | 'issuance'> {
  readonly events: number;
}

export interface Rollback {
  readonly found: Numbers;
  /** Undefined where no mark can be read. */
  readonly reached: Numbers | undefined;
  /** How many events the checkpoints outside the database are over; 0 where one cannot be read. */
  readonly anchored: readonly { readonly path: string; readonly events: number }[];
  /** Why it would be refused at the start; undefined where it would not. */
  readonly refusal: string | undefined;
}

export interface RollbackPlace {
  readonly dataDir: string;
  readonly uid: number;
  /** Checkpoints that lie outside the database, each at its path. */
  readonly anchors: readonly { readonly path: string; readonly note: string }[];
}

export interface Acceptance {
  /** `rollback`, or `restore` where a backup was put in place. */
  readonly cause: 'rollback' | 'restore';
  /** Leaves the authorities: what they signed and nobody knows of stays valid. */
  readonly keepAuthorities: boolean;
  readonly by: string;
  readonly now: number;
  readonly random: RandomBytes;
}

export interface Accepted {
  readonly numbers: Numbers;
  /** Ids. */
  readonly authoritiesRemoved: readonly string[];
  /** What was put aside, under its new name. */
  readonly putAside: readonly string[];
}

/** Looks, and changes nothing but what a start would. */
export function inspectRollback(place: RollbackPlace, now: number): Rollback {
  return onDatabase(place, now, (db, files) => rollbackOf(db, files, place));
}

/** Throws Failure('failed-precondition', 'NOTHING_TO_ACCEPT') where the database would be served as it is. */
export function acceptRollback(place: RollbackPlace, acceptance: Acceptance): Accepted {
  const { cause, now } = acceptance;
  return onDatabase(place, now, (db, files) => {
    const rollback = rollbackOf(db, files, place);
    if (rollback.refusal === undefined && cause === 'rollback') throw nothing(place.dataDir);
    const authoritiesRemoved = writeAcceptance(db, rollback, acceptance);
    const putAside = [files.mark, ...place.anchors.map(({ path }) => path)].flatMap((path) => putAway(path, now));
    const stored = storedNumbers(db);
    writeMark(files.mark, { ...stored, tree: { size: stored.events, root: stored.rootAt(stored.events) } });
    return { numbers: numbersOf(stored), authoritiesRemoved, putAside };
  });
}

function onDatabase<T>(place: RollbackPlace, now: number, work: (db: Database.Database, files: DataFiles) => T): T {
  const files = prepareDataDir(place.dataDir, place.uid);
  const lock = lockDataDir(files.lock, files.dir);
  try {
    const db = new Database(files.database);
    try {
      setPragmas(db, 'FULL');
      migrate(db, files.database, now);
      return work(db, files);
    } finally {
      db.close();
    }
  } catch (error) {
    throw unusable(error, files.database);
  } finally {
    lock.release();
  }
}

function rollbackOf(db: Database.Database, files: DataFiles, { anchors }: RollbackPlace): Rollback {
  const stored = storedNumbers(db);
  const mark = markOrNone(files.mark);
  const anchored = anchors.map(({ path, note }) => ({ path, events: sizeOf(note) }));
  const reached = mark && { ...mark, events: Math.max(mark.tree?.size ?? 0, ...anchored.map(({ events }) => events)) };
  return {
    found: numbersOf(stored),
    reached: reached && numbersOf(reached),
    anchored,
    refusal: refusalOf(stored, mark, files, anchors),
  };
}

function refusalOf(
  stored: StoredNumbers,
  mark: Mark | undefined,
  files: DataFiles,
  anchors: RollbackPlace['anchors'],
): string | undefined {
  try {
    compareWithMark(stored, mark, files.database, files.mark);
  } catch (error) {
    return (error as Error).message;
  }
  for (const { path, note } of anchors) {
    try {
      const { size, root } = readUnverified(note);
      if (size > stored.events || !stored.rootAt(size).equals(root))
        return `the checkpoint in ${path} is over another log`;
    } catch (error) {
      return `${path}: ${(error as Error).message}`;
    }
  }
  return undefined;
}

/** In one transaction. Answers the ids of the authorities that went. */
function writeAcceptance(db: Database.Database, rollback: Rollback, acceptance: Acceptance): readonly string[] {
  const { cause, keepAuthorities, by, now, random } = acceptance;
  beginLog(db, now, random);
  const counters = new Counters(db);
  const events = new EventLog(db, counters, random);
  const changes = new ChangeLog(db, counters);
  const removed: string[] = [];
  db.transaction(() => {
    const { found, reached } = rollback;
    // Where one backup is put back twice, nothing here knows what was reached after the first time; the clock does, since
    // fewer are counted than there are milliseconds (I6: the bundle sequence only grows).
    const past = (name: 'change' | 'issuance' | 'bundle'): number =>
      Math.max(now, Math.max(found[name], reached?.[name] ?? 0) + JUMP);
    const jumped = { change: past('change'), issuance: past('issuance'), bundle: past('bundle') };
    counters.now = { ...counters.now, ...jumped };
    const said = {
      cause,
      found: { ...found },
      reached: reached === undefined ? null : { ...reached },
      anchored_events: Math.max(0, ...rollback.anchored.map(({ events }) => events)),
      keep_authorities: keepAuthorities,
    };
    events.note('log.accept_rollback', by, now, null, said);
    if (!keepAuthorities) {
      const rows = db.prepare('SELECT kind, id FROM authority ORDER BY kind, id').raw().all() as [string, string][];
      removed.push(...rows.map(([, id]) => id));
      db.exec('DELETE FROM authority');
      for (const kind of new Set(rows.map(([one]) => one))) {
        const step = { cause: 'accept_rollback', bundle_sequence: counters.now.bundle };
        events.note('authority.change', by, now, null, { ...authoritiesRow(kind, []), ...step });
        changes.add('authority', 'put', kind, by, now);
      }
    }
    events.flush();
    counters.save();
  }).immediate();
  return removed;
}

/** Beside what comes in its place, for whoever looks into it. */
function putAway(path: string, now: number): readonly string[] {
  if (!existsSync(path)) return [];
  const aside = `${path}.rolled-back-${new Date(now).toISOString().replaceAll(':', '')}`;
  renameSync(path, aside);
  return [aside];
}

function markOrNone(path: string): Mark | undefined {
  try {
    return readMark(path);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function sizeOf(note: string): number {
  try {
    return readUnverified(note).size;
  } catch {
    return 0;
  }
}

function numbersOf({ change, bundle, issuance, events }: Numbers): Numbers {
  return { change, bundle, issuance, events };
}

function nothing(dataDir: string): Failure {
  return new Failure('failed-precondition', 'NOTHING_TO_ACCEPT', `the database in ${dataDir} has not gone back`, {
    field: 'data_dir',
    value: dataDir,
    hint: 'start the daemon',
  });
}
