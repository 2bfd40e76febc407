// SPDX-License-Identifier: Apache-2.0
/** A file that belongs with no other: written beside its name, synced, and renamed over it. */
import { rename, rm } from 'node:fs/promises';
import type { FileSetTools } from './file-set.ts';
import { newNameBeside, pointerOf } from './names.ts';
import { fileAt, isAsWanted } from './present.ts';
import type { TargetFolder } from './target-folder.ts';
import { sweepVersions } from './version-sweep.ts';
import type { WantedFile } from './wanted-file.ts';

export class LoneFile {
  readonly #pointer: string;
  readonly #tools: FileSetTools;
  #madeFrom: string | undefined;

  constructor(name: string, tools: FileSetTools) {
    this.#pointer = pointerOf([name]);
    this.#tools = tools;
  }

  /** Puts `file` in force. False: it was already, and nothing was touched. */
  async write(folder: TargetFolder, file: WantedFile): Promise<boolean> {
    if (isAsWanted(await fileAt(folder.at(file.name)), file, this.#madeFrom)) return false;
    await sweepVersions(folder, this.#pointer, new Set());
    const fresh = newNameBeside(this.#pointer, this.#tools.random);
    try {
      await folder.put({ ...file, name: fresh });
      await rename(folder.at(fresh), folder.at(file.name));
    } catch (error) {
      await rm(folder.at(fresh), { force: true }).catch(() => undefined);
      throw error;
    }
    await folder.sync();
    this.#madeFrom = file.madeFrom;
    return true;
  }
}
