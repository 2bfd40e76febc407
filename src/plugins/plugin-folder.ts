// SPDX-License-Identifier: Apache-2.0
/**
 * The folder in which one run of a plugin makes its sockets: new for each run, closed to everybody but the plugin's uid, below
 * a folder of the daemon's. It belongs to the plugin, so it is tidied up by name and never walked: what lies in it may be
 * a link to anywhere.
 */
import { chownSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import { prepareSocketFolder } from '../peer/socket-folder.ts';

export interface PluginFolder {
  /** Of the gRPC socket; the one for pidfds has `.pidfd` behind it. */
  readonly socket: string;
  remove(): void;
}

export interface FolderOptions {
  /** `sockets.plugin_dir`. */
  readonly parent: string;
  readonly name: string;
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly ownUid: number;
  readonly random: Random;
}

const SOCKET = 'attestor.sock';
const FILES = [SOCKET, `${SOCKET}.pidfd`];

export function makePluginFolder({ parent, name, owner, ownUid, random }: FolderOptions): PluginFolder {
  prepareSocketFolder(join(parent, SOCKET), { mode: 0o711, group: undefined, ownUid });
  for (const left of readdirSync(parent)) if (left.startsWith(`${name}.`)) tidy(join(parent, left));
  const folder = join(parent, `${name}.${random.bytes(4).toString('hex')}`);
  // guard: A13 test/plugins/plugin-folder.test.ts
  mkdirSync(folder, { mode: 0o700 });
  if (owner.uid !== ownUid) giveTo(owner, folder);
  return { socket: join(folder, SOCKET), remove: () => tidy(folder) };
}

function giveTo({ uid, gid }: FolderOptions['owner'], folder: string): void {
  try {
    chownSync(folder, uid, gid);
  } catch (error) {
    tidy(folder);
    throw new Failure(
      'failed-precondition',
      'PLUGIN_UNAVAILABLE',
      `${folder} cannot be given to uid ${uid}: ${(error as Error).message}`,
      {
        hint: 'run the daemon as root with CAP_CHOWN, or the plugin under the uid of the daemon',
      },
    );
  }
}

function tidy(folder: string): void {
  for (const file of FILES) quietly(() => unlinkSync(join(folder, file)));
  quietly(() => rmdirSync(folder));
}

/** What the plugin left besides stays, and is in nobody's way. */
function quietly(act: () => void): void {
  try {
    act();
  } catch {}
}
