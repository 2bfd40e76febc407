// SPDX-License-Identifier: Apache-2.0
/** The two steps that others can see: a name gets another file or link, in one instant. */
import { rename, rm, symlink } from 'node:fs/promises';
import type { Random } from '../lib/random.ts';
import { newNameBeside } from './names.ts';
import type { TargetFolder } from './target-folder.ts';

/** Whatever stood under `name` is replaced; a folder there is an error. */
export async function linkTo(folder: TargetFolder, name: string, target: string, fresh: string): Promise<void> {
  await symlink(target, folder.at(fresh));
  try {
    await rename(folder.at(fresh), folder.at(name));
  } catch (error) {
    await rm(folder.at(fresh), { force: true });
    throw error;
  }
}

/** A name beside the pointer for a link on its way. */
export const freshLink = (pointer: string, random: Random): string => `${newNameBeside(pointer, random)}.link`;
