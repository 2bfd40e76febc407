// SPDX-License-Identifier: Apache-2.0
/**
 * The folder a socket lies in: made with the mode asked for, whatever the umask; refused when anyone but root or the
 * daemon could put another socket, or another folder, in its place.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, normalize } from 'node:path';
import { Failure, quote } from '../lib/failure.ts';

export interface FolderRules {
  readonly mode: number;
  /** Group that owns the folder; the daemon's when absent. */
  readonly group: number | undefined;
  /** The daemon's uid. */
  readonly ownUid: number;
}

const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;

export function prepareSocketFolder(socketPath: string, rules: FolderRules): void {
  if (!isAbsolute(socketPath) || normalize(socketPath) !== socketPath) {
    throw refuse(socketPath, 'is not an absolute path in its shortest form', 'write it from / on, without . or ..');
  }
  const folder = dirname(socketPath);
  // From / down, so that a parent is made only below folders that were found safe.
  for (const parent of parentsOf(folder)) checkParent(parent, rules.ownUid);
  if (makeFolder(folder, rules)) return;
  checkFolder(folder, rules);
}

/** From / down, without the folder itself. */
function parentsOf(folder: string): string[] {
  const parents: string[] = [];
  for (let at = dirname(folder); ; at = dirname(at)) {
    parents.unshift(at);
    if (at === '/') return folder === '/' ? [] : parents;
  }
}

function checkParent(path: string, ownUid: number): void {
  const stats = look(path) ?? makeParent(path);
  if (stats.isSymbolicLink()) throw refuse(path, 'is a symbolic link', 'name the real folder');
  if (!stats.isDirectory()) throw refuse(path, 'is not a folder', 'choose another path');
  // guard: WEP-19 test/peer/socket-folder.test.ts
  if (stats.uid !== 0 && stats.uid !== ownUid)
    throw refuse(
      path,
      `belongs to uid ${stats.uid}, who could replace the socket’s folder`,
      'choose a path below folders of root or of the daemon',
    );
  const open = (stats.mode & OTHERS_WRITE) !== 0 && (stats.mode & STICKY) === 0;
  // guard: WEP-19 test/peer/socket-folder.test.ts
  if (open)
    throw refuse(path, `has mode ${octal(stats.mode)}: others can replace the socket’s folder`, `chmod go-w ${path}`);
}

/** A folder on the way that is not there, such as /run/assay after a boot: open to all who pass, ours to change. */
function makeParent(path: string): Stats {
  makeFolder(path, { mode: 0o755, group: undefined, ownUid: 0 });
  return lstatSync(path);
}

/** True when it was made here. */
function makeFolder(folder: string, rules: FolderRules): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return false;
    throw refuse(folder, `cannot be made (${code ?? 'unknown error'})`, 'make it first, or choose another path', error);
  }
  setGroup(folder, rules.group);
  // mkdir's mode passes through the umask; chmod's does not.
  chmodSync(folder, rules.mode);
  return true;
}

function checkFolder(folder: string, rules: FolderRules): void {
  const stats = look(folder);
  // guard: WEP-19 test/peer/socket-folder.test.ts
  if (stats === undefined || stats.isSymbolicLink()) throw refuse(folder, 'is a symbolic link', 'name the real folder');
  if (!stats.isDirectory()) throw refuse(folder, 'is not a folder', 'choose another path');
  // guard: WEP-19 test/peer/socket-folder.test.ts
  if (stats.uid !== rules.ownUid)
    throw refuse(
      folder,
      `belongs to uid ${stats.uid}, not to the daemon’s uid ${rules.ownUid}`,
      `remove it, or choose another path`,
    );
  const loose = stats.mode & 0o777 & ~rules.mode;
  // guard: WEP-19, B3 test/peer/socket-folder.test.ts
  if (loose !== 0)
    throw refuse(
      folder,
      `has mode ${octal(stats.mode)}, looser than ${octal(rules.mode)}`,
      `chmod ${octal(rules.mode)} ${folder}, or choose a folder of its own`,
    );
  if (rules.group !== undefined && stats.gid !== rules.group) setGroup(folder, rules.group);
  chmodSync(folder, rules.mode);
}

function setGroup(folder: string, group: number | undefined): void {
  if (group === undefined) return;
  try {
    chownSync(folder, -1, group);
  } catch (error) {
    throw refuse(folder, `cannot be given to group ${group}`, `run as root, or as a member of that group`, error);
  }
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw refuse(path, 'cannot be looked at', 'check the folders above it', error);
  }
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

function refuse(path: string, why: string, hint: string, cause?: unknown): Failure {
  return new Failure('failed-precondition', 'SOCKET_FOLDER_UNSAFE', `socket path ${quote(path)} ${why}`, {
    field: 'sockets',
    value: path,
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}
