// SPDX-License-Identifier: Apache-2.0
/**
 * One daemon per data folder: an exclusive SQLite lock on a file of its own. The kernel holds it for the process and drops
 * it when the process dies, so there is no stale pid file to clean away.
 */
import { readFileSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import { unusable } from './unusable.ts';

export interface InstanceLock {
  /** Idempotent. */
  release(): void;
}

export function lockDataDir(lockPath: string, dir: string): InstanceLock {
  const db = new Database(lockPath, { timeout: 0 });
  try {
    // No journal file: the lock needs no space, and a full disk shall not look like another daemon.
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    throw refusal(lockPath, dir, error);
  }
  return { release: () => void db.close() };
}

function refusal(lockPath: string, dir: string, cause: unknown): unknown {
  const code = (cause as { code?: string }).code ?? '';
  if (!code.startsWith('SQLITE_BUSY')) return unusable(cause, lockPath);
  const pid = holderOf(lockPath);
  const who = pid === undefined ? 'another daemon' : `the daemon with pid ${pid}`;
  return new Failure('failed-precondition', 'DATA_DIR_IN_USE', `${dir} is in use by ${who}`, {
    field: 'data_dir',
    value: dir,
    hint: 'stop it first, or give this one its own --data-dir and sockets',
  });
}

/** proc_locks(5): `1: POSIX ADVISORY WRITE 708 08:01:2097547 128 128`. Best effort, for the message alone. */
function holderOf(lockPath: string): string | undefined {
  try {
    const inode = String(statSync(lockPath).ino);
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      const [, , , , pid, file] = line.trim().split(/\s+/);
      if (pid !== undefined && pid !== '-1' && file?.endsWith(`:${inode}`) === true) return pid;
    }
  } catch {
    // Without procfs the refusal stands, only less well informed.
  }
  return undefined;
}
