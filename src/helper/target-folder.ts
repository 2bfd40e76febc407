// SPDX-License-Identifier: Apache-2.0
/**
 * A folder that keys are written to, open. Whoever else can write it could put a link in the place of a file and have the key
 * written somewhere else, or take it away, so such a folder is refused unless the operator insists. All access goes
 * through the open descriptor (`/proc/self/fd/N/name`, in place of openat(2), which Node has not): what is judged and what is
 * written to is the same folder.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { distrust } from '../config/trusted-path.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { WantedFile } from './wanted-file.ts';

export interface FolderRules {
  /** Who may own the folder and those above it, besides root. */
  readonly uid: number;
  /** The operator answers for whoever else can write there. */
  readonly acceptShared: boolean;
}

const FOLDER_MODE = 0o755;
/** Others may go through, and read what the mode of a file lets them. */
export const VERSION_MODE = 0o755;

export class TargetFolder {
  readonly path: string;
  readonly #handle: FileHandle;

  /** `path` is absolute. Its last folder is made if it is not there. Whoever opens it closes it. */
  static async open(path: string, rules: FolderRules): Promise<TargetFolder> {
    if (rules.acceptShared) await make(path);
    let fault = rules.acceptShared ? undefined : distrust(path, new Set([0, rules.uid]), 'folder');
    if (fault?.reason === 'does not exist') {
      // Everything above it was looked at, so it is made where it shall be.
      await make(path);
      fault = distrust(path, new Set([0, rules.uid]), 'folder');
    }
    // guard: I10 test/helper/target-folder.test.ts — a key goes where others can neither divert nor replace it
    if (fault !== undefined) {
      throw new Failure(
        'failed-precondition',
        'HELPER_FOLDER_UNSAFE',
        `no key is written to ${quote(path)}: ${fault.path} ${fault.reason}`,
        {
          field: 'folder',
          value: quote(path),
          hint: `${fault.hint}, or answer for it yourself with --accept-shared-folders`,
        },
      );
    }
    return new TargetFolder(path, await open(path, constants.O_RDONLY | constants.O_DIRECTORY));
  }

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** The path of an entry, through the descriptor. */
  at(name: string): string {
    return `/proc/self/fd/${this.#handle.fd}/${name}`;
  }

  /** A new folder in it, ours alone until `openTo`. */
  async make(name: string): Promise<TargetFolder> {
    await mkdir(this.at(name), { mode: 0o700 });
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    const handle = await open(this.at(name), flags);
    const { uid } = await handle.stat();
    // guard: I10 test/helper/target-folder.test.ts — in a shared folder, what we made may be somebody else's by now
    if (uid !== process.geteuid!()) {
      await handle.close();
      throw new Failure('failed-precondition', 'HELPER_FOLDER_UNSAFE', `${quote(name)} was replaced while it was made`);
    }
    return new TargetFolder(`${this.path}/${name}`, handle);
  }

  /** A new file with its owner and mode before its first byte, on the disk when this resolves. */
  async put({ name, bytes, mode, uid, gid }: WantedFile): Promise<void> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const handle = await open(this.at(name), flags, 0o600);
    try {
      // -1 leaves one as it is (chown(2)).
      if (uid !== undefined || gid !== undefined) await handle.chown(uid ?? -1, gid ?? -1);
      await handle.chmod(mode);
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async openTo(mode: number): Promise<void> {
    await this.#handle.chmod(mode);
  }

  /** Names made, renamed or removed so far are on the disk when this resolves. */
  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function make(path: string): Promise<void> {
  await mkdir(path, { mode: FOLDER_MODE }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}
