// SPDX-License-Identifier: Apache-2.0
/**
 * Files that belong together, replaced in one instant. As Kubernetes does with its volumes (pkg/volume/util/atomic_writer.go),
 * the files lie in a folder of their own version; the configured names are links that lead through one link, the pointer, and
 * renaming that one puts all of them in force:
 *
 *     tls.crt -> .assay-1f2e3d4c/tls.crt      .assay-1f2e3d4c -> .assay-1f2e3d4c.0011223344556677
 *
 * Whatever step a crash comes at, the names lead to files of one version. A version is on the disk whole before the pointer moves
 * to it. The one before stays until `forget`, or the next, for whoever is reading it.
 */
import { rm } from 'node:fs/promises';
import type { Random } from '../lib/random.ts';
import { newNameBeside, pointerOf } from './names.ts';
import { fileAt, isAsWanted, linkAt } from './present.ts';
import { freshLink, linkTo } from './swap.ts';
import { filesOfBefore } from './taken-over.ts';
import { type TargetFolder, VERSION_MODE } from './target-folder.ts';
import { sweepPointers, sweepVersions } from './version-sweep.ts';
import type { WantedFile, WantedSet } from './wanted-file.ts';

export interface FileSetTools {
  readonly random: Random;
  readonly now: () => number;
}

export class FileSet {
  readonly #names: readonly string[];
  readonly #pointer: string;
  readonly #tools: FileSetTools;
  /** What the files in force were made from, by name. */
  #madeFrom: ReadonlyMap<string, string | undefined> = new Map();
  #swept = false;

  /** `names`: of every set that will be written. */
  constructor(names: readonly string[], tools: FileSetTools) {
    this.#names = names;
    this.#pointer = pointerOf(names);
    this.#tools = tools;
  }

  /** Puts `files` in force. False: they were already, and nothing was touched. */
  async write(folder: TargetFolder, files: WantedSet): Promise<boolean> {
    const present = await linkAt(folder.at(this.#pointer));
    if (present !== undefined && (await this.#isInForce(folder, present, files))) return false;
    const before = await filesOfBefore(folder, this.#pointer, this.#names);
    if (before.length > 0) await this.#takeOver(folder, before);
    const replaced = await linkAt(folder.at(this.#pointer));
    const version = await this.#makeVersion(folder, files);
    await this.#point(folder, version);
    await this.#lead(folder, this.#names);
    await folder.sync();
    this.#madeFrom = new Map(files.map(({ name, madeFrom }) => [name, madeFrom]));
    await this.#sweep(folder, new Set([version, ...(replaced === undefined ? [] : [replaced])]));
    return true;
  }

  /** Removes every version but the one in force. */
  async forget(folder: TargetFolder): Promise<void> {
    const present = await linkAt(folder.at(this.#pointer));
    if (present !== undefined) await sweepVersions(folder, this.#pointer, new Set([present]));
  }

  async #isInForce(folder: TargetFolder, version: string, files: WantedSet): Promise<boolean> {
    for (const wanted of files) {
      if ((await linkAt(folder.at(wanted.name))) !== `${this.#pointer}/${wanted.name}`) return false;
      const file = await fileAt(folder.at(`${version}/${wanted.name}`));
      if (!isAsWanted(file, wanted, this.#madeFrom.get(wanted.name))) return false;
    }
    return true;
  }

  async #takeOver(folder: TargetFolder, before: readonly WantedFile[]): Promise<void> {
    const version = await this.#makeVersion(folder, before);
    await this.#point(folder, version);
    await this.#lead(
      folder,
      before.map(({ name }) => name),
    );
    await folder.sync();
  }

  async #makeVersion(folder: TargetFolder, files: readonly WantedFile[]): Promise<string> {
    const name = newNameBeside(this.#pointer, this.#tools.random);
    const version = await folder.make(name);
    try {
      for (const file of files) await version.put(file);
      await version.openTo(VERSION_MODE);
      await version.sync();
    } catch (error) {
      await rm(folder.at(name), { recursive: true, force: true }).catch(() => undefined);
      throw error;
    } finally {
      await version.close();
    }
    return name;
  }

  async #point(folder: TargetFolder, version: string): Promise<void> {
    // The version's own name has to be on the disk before the pointer that leads to it.
    await folder.sync();
    await linkTo(folder, this.#pointer, version, freshLink(this.#pointer, this.#tools.random));
  }

  async #lead(folder: TargetFolder, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const target = `${this.#pointer}/${name}`;
      if ((await linkAt(folder.at(name))) === target) continue;
      await linkTo(folder, name, target, freshLink(this.#pointer, this.#tools.random));
    }
  }

  async #sweep(folder: TargetFolder, keep: ReadonlySet<string>): Promise<void> {
    await sweepVersions(folder, this.#pointer, keep);
    if (!this.#swept) await sweepPointers(folder, this.#tools.now(), this.#pointer);
    this.#swept = true;
  }
}
