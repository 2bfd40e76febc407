// SPDX-License-Identifier: Apache-2.0
/** What went wrong when files were written, in words, with the next step by errno. */
import { Failure, quote } from '../lib/failure.ts';

const HINTS: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'free some space; the files of before stay, and it is tried again'],
  ['EDQUOT', 'raise the quota or free some space; the files of before stay, and it is tried again'],
  ['EROFS', 'the file system is read-only: name another folder, or mount it writable'],
  ['EACCES', 'let the uid that the helper runs as write the folder'],
  ['EPERM', 'only root can give files to another owner: leave out owner, or run the helper as root'],
  ['ENOENT', 'make the folder above it'],
  ['ENOTDIR', 'name a folder'],
  ['EISDIR', 'a folder stands where a file belongs: remove it, or choose another name'],
  ['ENOTEMPTY', 'a folder stands where a file belongs: remove it, or choose another name'],
]);

export function writeFailure(folder: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return new Failure('failed-precondition', 'HELPER_WRITE_FAILED', `${quote(folder)} cannot be written (${code})`, {
    field: 'folder',
    value: quote(folder),
    hint: HINTS.get(code) ?? 'look at the folder and its file system',
    cause: error,
  });
}
