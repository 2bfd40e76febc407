// SPDX-License-Identifier: Apache-2.0
/**
 * Checkpoints outside the database: whoever rewrites the log, or takes its end away, would have to rewrite these as well
 * (attack B5). One file lies in the data folder, another where the operator says: on another disk, or in a folder that is
 * copied away. A third place is the daemon's own output, which the journal keeps.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure, quote } from '../lib/failure.ts';
import { readUnverified } from '../merkle/note.ts';
import type { AuditStore, TreeHead } from '../store/events.ts';
import { AUDIT_FOLDER } from './log-key.ts';

const MOST_BYTES = 16_384;

export interface Anchor {
  readonly path: string;
  /** The setting that names it. */
  readonly field: string;
}

/** `elsewhere`: `audit.checkpoint_file`. */
export function anchorsOf(dataDir: string, elsewhere: string | undefined): readonly Anchor[] {
  const own = { path: join(dataDir, AUDIT_FOLDER, 'checkpoint'), field: 'data_dir' };
  return elsewhere === undefined ? [own] : [own, { path: elsewhere, field: 'audit.checkpoint_file' }];
}

/** Replaces it as a whole; durable when it resolves. */
export async function writeAnchor({ path }: Anchor, note: string): Promise<void> {
  const unfinished = `${path}.new`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = await open(unfinished, flags, 0o644);
  try {
    await file.writeFile(note);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Undefined where there is none. */
export async function readAnchor({ path, field }: Anchor): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { size } = await file.stat();
    if (size > MOST_BYTES) throw unreadable(path, field, `it has ${size} bytes`);
    return await file.readFile('utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (error instanceof Failure || code === undefined) throw error;
    throw unreadable(path, field, code);
  } finally {
    await file?.close();
  }
}

/**
 * Refuses a log that has lost events since an anchored checkpoint was made, or has others in their place. Whether the
 * checkpoint is signed is not asked: a false one can only refuse, and a key may have been lost since.
 */
export async function compareWithAnchors(
  audit: Pick<AuditStore, 'head' | 'rootAt'>,
  anchors: readonly Anchor[],
): Promise<void> {
  const head = audit.head();
  for (const anchor of anchors) {
    const note = await readAnchor(anchor);
    if (note === undefined) continue;
    const anchored = readUnverified(note);
    // guard: B5 test/audit/checkpoints.test.ts
    if (anchored.size > head.size || !audit.rootAt(anchored.size).equals(anchored.root))
      throw goneBack(head, anchored, anchor);
  }
}

function goneBack(head: TreeHead, anchored: TreeHead, { path, field }: Anchor): Failure {
  const how =
    anchored.size > head.size
      ? `its log has ${head.size} events, and the checkpoint in ${path} is over ${anchored.size}`
      : `the first ${anchored.size} events of its log are not those that the checkpoint in ${path} is over`;
  return new Failure('failed-precondition', 'ROLLED_BACK', `the database has gone back: ${how}`, {
    field,
    value: path,
    hint: 'put the whole folder back; where there is no better copy: assay audit accept-rollback. Nothing is issued until then',
  });
}

function unreadable(path: string, field: string, why: string): Failure {
  return new Failure('failed-precondition', 'CHECKPOINT_UNREADABLE', `the checkpoint ${path} cannot be read: ${why}`, {
    field,
    value: path,
    hint: `let the daemon read it, or, if ${quote(path)} is not its file, name another`,
  });
}
