// SPDX-License-Identifier: Apache-2.0
/** Whether anybody else could change what a backup is written to, or read from: then its keys are theirs. */
import { chmodSync, mkdirSync } from 'node:fs';
import { distrust } from '../config/trusted-path.ts';
import { Failure } from '../lib/failure.ts';

/** `path` is absolute, and there. Throws Failure('failed-precondition', 'FOLDER_UNSAFE'). */
export function ownFolder(path: string, flag: string, uid: number): void {
  const found = distrust(path, new Set([0, uid]), 'folder');
  // guard: A13 test/cli/backup.test.ts
  if (found !== undefined) throw unsafe(path, flag, `${found.path} ${found.reason}`, found.hint);
}

/** The same; where it is not there it is made, 0700, in a folder that is. */
export function makeOwnFolder(path: string, flag: string, uid: number): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST')
      throw unsafe(path, flag, `it cannot be made (${code})`, 'name a folder that you may make, or may write to');
  }
  ownFolder(path, flag, uid);
}

function unsafe(path: string, flag: string, why: string, hint: string): Failure {
  return new Failure('failed-precondition', 'FOLDER_UNSAFE', `${flag} ${path} is refused: ${why}`, {
    field: flag,
    value: path,
    hint,
  });
}
