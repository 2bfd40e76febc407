// SPDX-License-Identifier: Apache-2.0
/**
 * Files that hold keys: one folder that only we can enter, files that only we can read, written whole or not at all.
 * A file or folder that anyone else could have read or put there is refused with the command that mends it, since a key
 * that may have leaked must not sign. Files are opened without following links and judged by the open descriptor, so that
 * what was judged is what is read.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure, quote } from './failure.ts';

const LARGEST_KEY_FILE_BYTES = 16_384;
const UNFINISHED = '.new-';

/** Makes the folder if it is not there, checks it, and removes what a crash left half written. */
export async function openKeyFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).then(
    () => syncFolder(dirname(path)),
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw unusable(path, error);
    },
  );
  const stats = await lstat(path);
  // guard: B2 test/authority/disk-keys.test.ts
  if (!stats.isDirectory())
    throw unsafe(path, 'is not a folder of its own', `move it away: mv ${quote(path)} ${quote(`${path}.old`)}`);
  checkOwned(path, stats, '0700');
  for (const name of await readdir(path)) if (name.startsWith(UNFINISHED)) await unlink(join(path, name));
}

/** Resolves when the file is durable under its name. Never replaces half of a file. */
export async function writeKeyFile(folder: string, name: string, content: Buffer): Promise<void> {
  const unfinished = join(folder, UNFINISHED + name);
  const file = await open(unfinished, 'wx', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, join(folder, name));
  await syncFolder(folder);
}

/** Undefined when there is no such file. */
export async function readKeyFile(folder: string, name: string): Promise<Buffer | undefined> {
  const path = join(folder, name);
  const file = await openWithoutLinks(path);
  if (file === undefined) return undefined;
  try {
    const stats = await file.stat();
    // guard: B2 test/authority/disk-keys.test.ts
    if (!stats.isFile()) throw unsafe(path, 'is not a regular file', `remove it: rm ${quote(path)}`);
    checkOwned(path, stats, '0600');
    // guard: I9 test/authority/disk-keys.test.ts
    if (stats.size > LARGEST_KEY_FILE_BYTES)
      throw unsafe(path, `is larger than ${LARGEST_KEY_FILE_BYTES} bytes`, 'put the right key file back');
    return await file.readFile();
  } finally {
    await file.close();
  }
}

export async function removeKeyFile(folder: string, name: string): Promise<void> {
  try {
    await unlink(join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  await syncFolder(folder);
}

async function openWithoutLinks(path: string): Promise<FileHandle | undefined> {
  try {
    // O_NONBLOCK: a FIFO in its place must not hold us up (attack A11).
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw unsafe(path, 'is a symbolic link', 'put the key file itself there');
    throw unusable(path, error);
  }
}

function checkOwned(path: string, stats: Stats, mode: string): void {
  const ours = process.geteuid!();
  // guard: B2 test/authority/disk-keys.test.ts
  if (stats.uid !== ours)
    throw unsafe(path, `belongs to uid ${stats.uid}, not to this daemon's uid ${ours}`, `chown ${ours} ${quote(path)}`);
  const found = (stats.mode & 0o7777).toString(8).padStart(4, '0');
  // guard: B2 test/authority/disk-keys.test.ts
  if ((stats.mode & 0o077) !== 0)
    throw unsafe(path, `has mode ${found}, so others can reach the key`, `chmod ${mode} ${quote(path)}`);
}

/** A rename is durable when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unsafe(path: string, what: string, mend: string): Failure {
  return new Failure('failed-precondition', 'KEY_FILE_UNSAFE', `${path} ${what}`, { value: path, hint: mend });
}

function unusable(path: string, cause: unknown): Failure {
  const { code } = cause as NodeJS.ErrnoException;
  return new Failure('failed-precondition', 'KEY_FILE_UNUSABLE', `${path} cannot be used: ${code ?? 'unknown error'}`, {
    value: path,
    hint: 'look at the folder and its parents, and at the disk',
    cause,
  });
}
