// SPDX-License-Identifier: Apache-2.0

import { Failure } from '../../lib/failure.ts';
import type { Trouble } from './wire.ts';

/** What SQLite or the filesystem says about a file at start, for the operator; anything else as it is. */
export function unusable(error: unknown, path: string): unknown {
  const code = (error as { code?: unknown }).code;
  if (error instanceof Failure || typeof code !== 'string' || !/^(SQLITE_|E[A-Z]+$)/.test(code)) return error;
  return new Failure('failed-precondition', 'DATABASE_UNUSABLE', `the database ${path} cannot be used: ${code}`, {
    field: 'data_dir',
    value: path,
    hint: nextStep(code),
    cause: error,
  });
}

function nextStep(code: string): string {
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)$/.test(code)) return 'free space on the disk that holds the data folder';
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return 'restore the whole data folder from a backup';
  return 'let the daemon write to the data folder, and look at the disk that holds it';
}

/** Of a batch that could not be committed. */
export function cannotWrite(trouble: Trouble): Failure {
  const full = trouble.code === 'SQLITE_FULL' || trouble.code === 'ENOSPC';
  return new Failure('unavailable', 'STORE_UNAVAILABLE', 'the store cannot write now', {
    hint: full ? 'free space on the disk that holds the data folder' : 'look at the disk that holds the data folder',
    cause: new Error(`${trouble.code}: ${trouble.message}`),
  });
}
