// SPDX-License-Identifier: Apache-2.0
/** Removes versions that no name leads to any more, and what a crash left half made. */
import { readdir, rm } from 'node:fs/promises';
import { isPointer, pointerBehind } from './names.ts';
import { kindAt, linkAt } from './present.ts';
import type { TargetFolder } from './target-folder.ts';

/** A pointer as young as this may be one that another helper is about to lead names to. */
const SETTLED_MS = 60_000;

/** Everything beside `pointer` except what `keep` names. */
export async function sweepVersions(folder: TargetFolder, pointer: string, keep: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder.at('.'))) {
    if (pointerBehind(name) === pointer && !keep.has(name)) await remove(folder, name);
  }
}

/** Pointers of sets that the configuration had once and that no name leads to any more, with their versions. */
export async function sweepPointers(folder: TargetFolder, now: number, own: string): Promise<void> {
  const names = await readdir(folder.at('.'));
  const led = new Set<string | undefined>();
  for (const name of names) led.add((await linkAt(folder.at(name)))?.split('/')[0]);
  for (const name of names) {
    if (!isPointer(name) || name === own || led.has(name)) continue;
    const found = await kindAt(folder.at(name));
    if (found === undefined || now - found.mtimeMs < SETTLED_MS) continue;
    await sweepVersions(folder, name, new Set());
    await rm(folder.at(name), { force: true });
  }
}

const remove = (folder: TargetFolder, name: string): Promise<void> =>
  rm(folder.at(name), { recursive: true, force: true });
