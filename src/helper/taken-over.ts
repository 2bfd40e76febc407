// SPDX-License-Identifier: Apache-2.0
/**
 * Names that hold files of before: spiffe-helper's, somebody's by hand, or those of a set that had other names. Replacing them
 * one by one would leave a new certificate beside an old key for a moment. So they become a version first, as they are, and
 * the names lead to that; the new version then takes its place in one instant.
 */
import { isPointer } from './names.ts';
import { fileAt, linkAt, type PresentFile } from './present.ts';
import type { TargetFolder } from './target-folder.ts';
import type { WantedFile } from './wanted-file.ts';

/** The files that the names give now; empty when all of them are links through `pointer`, or not there. */
export async function filesOfBefore(
  folder: TargetFolder,
  pointer: string,
  names: readonly string[],
): Promise<readonly WantedFile[]> {
  const files: WantedFile[] = [];
  let foreign = false;
  for (const name of names) {
    const target = await linkAt(folder.at(name));
    const ours = target === `${pointer}/${name}`;
    const file = await fileBehind(folder, name, target);
    if (file === undefined) continue;
    foreign ||= !ours;
    // Only root can give a file to another; whoever else wrote here is replaced by us in a moment anyway.
    const owner = process.geteuid!() === 0 ? { uid: file.uid, gid: file.gid } : { uid: undefined, gid: undefined };
    files.push({ ...file, ...owner, name });
  }
  return foreign ? files : [];
}

/** A regular file, or one that a link through a pointer leads to. Any other link is nobody's of ours, and is not followed. */
async function fileBehind(
  folder: TargetFolder,
  name: string,
  target: string | undefined,
): Promise<PresentFile | undefined> {
  if (target === undefined) return fileAt(folder.at(name));
  const [first = '', second, third] = target.split('/');
  if (!isPointer(first) || second !== name || third !== undefined) return undefined;
  return fileAt(folder.at(target));
}
