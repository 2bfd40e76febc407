// SPDX-License-Identifier: Apache-2.0
/**
 * Leaves SVIDs, keys and bundles as files. Each file appears whole or not at all (a new file, synced, then renamed over the old
 * one); a key is readable by its owner alone from its first byte on. Files of an earlier run that this answer does not have
 * are removed: what is no longer granted must not lie around (CLI-22).
 */
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, quote } from '../lib/failure.ts';
import { systemRandom } from '../lib/random.ts';

const OTHERS_WRITE = 0o022;

export interface File {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** The paths written, in order; `ours` tells by its name what an earlier run left. */
export async function writeFiles(folder: string, files: readonly File[], ours: RegExp): Promise<readonly string[]> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await refuseShared(folder);
    for (const file of files) await writeWhole(folder, file);
    await removeStale(folder, ours, new Set(files.map((file) => file.name)));
    return files.map((file) => join(folder, file.name));
  } catch (error) {
    if (error instanceof Failure) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new Failure('failed-precondition', 'WRITE_FAILED', `--write: ${quote(folder)} cannot be written (${code})`, {
      field: '--write',
      value: quote(folder),
      hint: 'name a folder that this user may write',
      cause: error,
    });
  }
}

/** Whoever can write the folder can put another key in the place of ours, or take ours away. */
async function refuseShared(folder: string): Promise<void> {
  const { mode, uid } = await stat(folder);
  const sticky = (mode & 0o1000) !== 0;
  // guard: I10 test/cli/fetch-files.test.ts
  if ((mode & OTHERS_WRITE) !== 0 && !sticky) {
    throw new Failure('failed-precondition', 'FOLDER_SHARED', `--write: ${quote(folder)} can be written by others`, {
      field: '--write',
      value: quote(folder),
      hint: `chmod go-w ${folder}, or name another folder`,
    });
  }
  if (uid !== 0 && uid !== process.getuid!()) {
    throw new Failure('failed-precondition', 'FOLDER_FOREIGN', `--write: ${quote(folder)} belongs to uid ${uid}`, {
      field: '--write',
      value: quote(folder),
      hint: 'name a folder of your own',
    });
  }
}

async function writeWhole(folder: string, file: File): Promise<void> {
  const fresh = join(folder, `.${file.name}.${systemRandom.bytes(8).toString('hex')}`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(fresh, flags, file.mode);
  try {
    try {
      await handle.writeFile(file.text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, join(folder, file.name));
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

async function removeStale(folder: string, ours: RegExp, written: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (ours.test(name) && !written.has(name)) await rm(join(folder, name), { force: true });
  }
}
