// SPDX-License-Identifier: Apache-2.0
/**
 * The data folder: ours alone. Made 0700 with files 0600 whatever the umask; anything looser, foreign-owned or reached
 * through a symbolic link is refused.
 *
 * Existing files are looked at by name and never opened here: closing any descriptor of a file drops this process's
 * POSIX locks on it (fcntl(2)), and SQLite's locks are of that kind. The folder is checked first, so that nobody else
 * can swap names below it.
 */
import { chmodSync, closeSync, constants, fsyncSync, lstatSync, mkdirSync, openSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from '../../lib/failure.ts';

export interface DataFiles {
  readonly dir: string;
  readonly database: string;
  readonly lock: string;
  readonly mark: string;
  /** Where a restore gathers what it then moves in place, the database last. */
  readonly restoring: string;
}

/** Where they are, looked at or not. */
export function dataFiles(dir: string): DataFiles {
  return {
    dir,
    database: join(dir, 'assay.db'),
    lock: join(dir, 'lock.db'),
    mark: join(dir, 'high-water-mark'),
    restoring: join(dir, '.restoring'),
  };
}

/** The folder and its lock alone, for a database that is still to come. */
export function prepareFolder(dir: string, uid: number): DataFiles {
  if (statOf(dir) === undefined) makeDir(dir);
  check(dir, statOf(dir), 'directory', uid);
  const files = dataFiles(dir);
  for (const path of [files.lock, `${files.lock}-journal`]) check(path, statOf(path), 'file', uid);
  makeFile(files.lock);
  return files;
}

/** A restore was broken off before its end: what lies here is neither what was there before nor what was to come. */
export function isHalfRestored(files: DataFiles): boolean {
  return statOf(files.restoring) !== undefined && statOf(files.database) === undefined;
}

export function prepareDataDir(dir: string, uid: number): DataFiles {
  if (statOf(dir) === undefined) makeDir(dir);
  check(dir, statOf(dir), 'directory', uid);
  const files = dataFiles(dir);
  // guard: B5 test/store/restore.test.ts
  if (isHalfRestored(files)) throw halfRestored(dir);
  const beside = [
    `${files.lock}-journal`,
    `${files.database}-wal`,
    `${files.database}-shm`,
    `${files.database}-journal`,
    `${files.mark}.new`,
  ];
  for (const path of [files.database, files.lock, files.mark, ...beside]) check(path, statOf(path), 'file', uid);
  for (const path of [files.database, files.lock]) makeFile(path);
  return files;
}

function makeDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    chmodSync(dir, 0o700);
    syncDir(dirname(dir));
  } catch (error) {
    throw cannot(dir, 'cannot be made', error);
  }
}

/** SQLite gives its -wal and -shm the mode of the database (sqlite3 os_unix.c), so only that has to be made right. */
function makeFile(path: string): void {
  if (statOf(path) !== undefined) return;
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600));
    syncDir(dirname(path));
  } catch (error) {
    throw cannot(path, 'cannot be made', error);
  }
}

function check(path: string, stat: Stats | undefined, kind: 'directory' | 'file', uid: number): void {
  if (stat === undefined) return;
  const broken = brokenRule(stat, kind, uid);
  if (broken === undefined) return;
  throw new Failure('failed-precondition', 'DATA_DIR_UNSAFE', `${path} is refused: ${broken}`, {
    field: 'data_dir',
    value: path,
    hint: nextStep(path, stat, kind, uid),
  });
}

function nextStep(path: string, stat: Stats, kind: 'directory' | 'file', uid: number): string {
  if (stat.uid !== uid) return `run this as uid ${stat.uid}, or chown ${path}`;
  return kind === 'directory' ? `chmod 700 ${path}` : `chmod 600 ${path}`;
}

function halfRestored(dir: string): Failure {
  return new Failure('failed-precondition', 'RESTORE_UNFINISHED', `a restore into ${dir} has not come to its end`, {
    field: 'data_dir',
    value: dir,
    hint: `do it again: assay restore --from DIR --data-dir ${dir}`,
  });
}

function brokenRule(stat: Stats, kind: 'directory' | 'file', uid: number): string | undefined {
  // guard: I10 test/store/data-dir.test.ts
  if (stat.isSymbolicLink()) return 'it is a symbolic link';
  if (kind === 'directory' ? !stat.isDirectory() : !stat.isFile()) return `it is not a ${kind}`;
  // guard: I10 test/store/data-dir.test.ts
  if (stat.uid !== uid) return `it belongs to uid ${stat.uid}, the daemon runs as uid ${uid}`;
  const mode = stat.mode & 0o777;
  // guard: I10 test/store/data-dir.test.ts
  if ((mode & 0o077) !== 0) return `its mode is ${mode.toString(8).padStart(4, '0')}, others may reach it`;
  return undefined;
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannot(path, 'cannot be looked at', error);
  }
}

function syncDir(dir: string): void {
  const folder = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function cannot(path: string, what: string, cause: unknown): Failure {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  return new Failure('failed-precondition', 'DATA_DIR_UNUSABLE', `${path} ${what}: ${code}`, {
    field: 'data_dir',
    value: path,
    hint: 'give --data-dir a folder that the daemon may write',
    cause,
  });
}
