// SPDX-License-Identifier: Apache-2.0
/**
 * Reads a file whose content decides who gets what: the file and every folder above it belong to root or to the
 * daemon, and nobody else can write them (attack A13). A folder with the sticky bit (`/tmp`) may be writable: there, only
 * the owner can replace an entry. The file is opened first and judged through its descriptor.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Failure } from '../lib/failure.ts';

const OTHERS_WRITE = 0o022;
const OTHERS_ACCESS = 0o007;
const GROUP_ACCESS = 0o070;
const STICKY = 0o1000;

interface Stat {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** The text, or a Failure that names the file or folder at fault. `field` is what named the file. */
export function readTrustedFile(path: string, uid: number, field: string, mostBytes: number): Promise<string> {
  return readJudged(path, uid, field, mostBytes, () => undefined);
}

/** The same where the operator answers for the folders: a Kubernetes ConfigMap lies in one of mode 0777. */
export function readOwnedFile(path: string, uid: number, field: string, mostBytes: number): Promise<string> {
  return readJudged(path, uid, field, mostBytes, () => undefined, false);
}

/** The same of a file that holds a secret: nobody can read it but its owner and the daemon's own group, `gid`. */
export function readSecretFile(
  path: string,
  uid: number,
  gid: number,
  field: string,
  mostBytes: number,
): Promise<string> {
  return readJudged(path, uid, field, mostBytes, (asked, stat) => judgeSecret(asked, stat, gid, field));
}

async function readJudged(
  path: string,
  uid: number,
  field: string,
  mostBytes: number,
  judgeMore: (path: string, stat: Stat) => void,
  foldersToo = true,
): Promise<string> {
  const asked = resolve(path);
  const handle = await openFile(asked, field);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw refuse(field, asked, 'is no regular file', 'name the configuration file itself');
    // guard: A13 test/config/trusted-file.test.ts
    judge(asked, stat, uid, field, 'file');
    judgeMore(asked, stat);
    // guard: A13 test/config/trusted-file.test.ts — whoever can write a folder above can put another file there
    if (foldersToo) await judgeFolders(asked, uid, field);
    if (stat.size > mostBytes) {
      throw refuse(field, asked, `has ${stat.size} bytes; the most allowed is ${mostBytes}`, 'shorten it');
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

async function openFile(path: string, field: string): Promise<FileHandle> {
  try {
    // O_NONBLOCK: a FIFO in the file's place must not hang the start.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw refuse(field, path, 'does not exist', 'check the path', cause);
    if (code === 'EACCES') throw refuse(field, path, 'may not be read by this user', 'check its owner and mode', cause);
    throw refuse(field, path, `cannot be opened (${code ?? 'unknown error'})`, 'check the path', cause);
  }
}

/** Every folder above, along the path as written and along the path it really is. */
async function judgeFolders(path: string, uid: number, field: string): Promise<void> {
  const seen = new Set<string>();
  const link = await lstat(path);
  // guard: A13 test/config/trusted-file.test.ts — in a sticky folder anyone may leave a link to a file of root's
  if (link.isSymbolicLink()) judge(path, link, uid, field, 'file');
  for (const start of [path, await realpath(path)]) {
    for (let at = dirname(start); ; at = dirname(at)) {
      if (!seen.has(at)) {
        seen.add(at);
        judge(at, await lstat(at), uid, field, 'folder');
      }
      if (at === '/') break;
    }
  }
}

function judge(path: string, stat: Stat, uid: number, field: string, what: 'file' | 'folder'): void {
  if (stat.uid !== 0 && stat.uid !== uid) {
    throw refuse(
      field,
      path,
      `belongs to uid ${stat.uid}, who could change the configuration`,
      `chown it to uid ${uid} or root`,
    );
  }
  const symbolicLink = (stat.mode & constants.S_IFMT) === constants.S_IFLNK;
  if (symbolicLink || (stat.mode & OTHERS_WRITE) === 0) return;
  if (what === 'folder' && (stat.mode & STICKY) !== 0) return;
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
  throw refuse(
    field,
    path,
    `has mode ${mode}: others can write it, and so change the configuration`,
    `chmod go-w ${path}`,
  );
}

function judgeSecret(path: string, stat: Stat, gid: number, field: string): void {
  const ofOtherGroup = (stat.mode & GROUP_ACCESS) !== 0 && stat.gid !== gid;
  if ((stat.mode & OTHERS_ACCESS) === 0 && !ofOtherGroup) return;
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
  const who = ofOtherGroup ? `group ${stat.gid}` : 'others';
  // guard: I10 test/config/trusted-file.test.ts
  throw refuse(field, path, `has mode ${mode}: ${who} can read the secret in it`, `chmod 0600 ${path}`);
}

function refuse(field: string, path: string, reason: string, hint: string, cause?: unknown): Failure {
  return new Failure('failed-precondition', 'CONFIG_FILE_UNSAFE', `${field}: ${path} ${reason}`, {
    field,
    value: path,
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}
