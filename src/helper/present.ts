// SPDX-License-Identifier: Apache-2.0
/** What lies in a folder under a name, read without following a link. */
import { constants, type Stats } from 'node:fs';
import { lstat, open, readlink } from 'node:fs/promises';
import type { WantedFile } from './wanted-file.ts';

/** Larger than any set of certificates; what is larger is none of ours. */
const LARGEST_BYTES = 16 << 20;
const MODE = 0o7777;

export interface PresentFile {
  readonly bytes: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export async function kindAt(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

/** What a link says; undefined where there is none. */
export async function linkAt(path: string): Promise<string | undefined> {
  return readlink(path).catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'EINVAL', 'ENOTDIR'].includes(error.code ?? '')) return undefined;
    throw error;
  });
}

/** Undefined: nothing there, a link, or no regular file. */
export async function fileAt(path: string): Promise<PresentFile | undefined> {
  const found = await kindAt(path);
  if (found === undefined || !found.isFile()) return undefined;
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size, mode, uid, gid } = await handle.stat();
    if (size > LARGEST_BYTES) return undefined;
    return { bytes: await handle.readFile(), mode: mode & MODE, uid, gid };
  } finally {
    await handle.close();
  }
}

/** `madeFrom`: what the file there was made from, as far as it is known. */
export function isAsWanted(
  present: PresentFile | undefined,
  wanted: WantedFile,
  madeFrom: string | undefined,
): boolean {
  if (present === undefined) return false;
  const sameContent = wanted.madeFrom === undefined ? present.bytes.equals(wanted.bytes) : wanted.madeFrom === madeFrom;
  return (
    sameContent &&
    present.mode === wanted.mode &&
    (wanted.uid === undefined || present.uid === wanted.uid) &&
    (wanted.gid === undefined || present.gid === wanted.gid)
  );
}
