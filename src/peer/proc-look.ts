// SPDX-License-Identifier: Apache-2.0
/**
 * Reading below /proc/PID, two ways.
 *
 * On the main loop, `lookAt`, proven (attack A4: a number is not a process): /proc/PID is opened as a folder; the pidfd's
 * own fdinfo must name that pid; everything is read relative to the folder; the pidfd must then still be running. Only
 * after that do the facts count. Only `status` and `cgroup` are read this way: they wait for nothing that a workload
 * holds (attack A11).
 *
 * In a helper process that can be killed, `readByNumber`: everything else. An exec that hangs in a hostile file server
 * holds a lock that `stat`, `exe`, `ns`, `root`, `environ` and `maps` wait for (tried on Linux 6.18).
 */
import { AT_FDCWD, isReadable, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, openAt, readInto, readLinkAt } from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';
import { parsePidfdInfo } from './proc-text.ts';
import { type FileFacts, type FileIdentity, shortMountId, statFacts, statIdentity } from './statx.ts';

/** The process is not, or no longer, the one the pidfd names. */
export class ProcessGone extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'ProcessGone';
  }
}

/** What may be read on the main loop. */
export interface SafeFolder {
  text(name: 'status' | 'cgroup'): string;
}

/** Files of one process, relative to its folder. */
export interface ProcFolder {
  text(name: string): string;
  link(name: string): Buffer;
  identity(name: string): FileIdentity;
  facts(name: string): FileFacts;
  shortMountId(name: string): bigint;
  /** The folder's descriptor, for calls relative to it. Owned by the look. */
  readonly fd: number;
}

/** A machine with very many mounts has a mountinfo of some megabytes; nothing else comes near. */
const MOST_TEXT_BYTES = 16 << 20;
/** On the main loop. Room for some 2,000 groups: a user with subordinate gids may have 65,536, 7 bytes each in `status`. */
const MOST_SAFE_BYTES = 16 << 10;
let scratch = Buffer.alloc(1 << 14);
const linkBytes = Buffer.alloc(4096 + 64);

export function lookAt<T>(pidfd: OwnedFd, pid: number, read: (folder: SafeFolder) => T): T {
  const folder = openFolder(pid);
  try {
    // guard: A4 test/peer/proc-look.test.ts — after reap and reuse the number names another process
    if (pidOf(pidfd) !== pid) throw new ProcessGone('the pidfd names another process than the number');
    const facts = reading(() => read(new Safe(folder.number)));
    // guard: A4 test/peer/proc-look.test.ts — what was read counts only if the process was alive after it
    if (isReadable(pidfd.number)) throw new ProcessGone('the process has exited');
    return facts;
  } finally {
    folder.close();
  }
}

/** In a helper process only. Whose facts these are is proven by whoever asked, or by the start time among them. */
export function readByNumber<T>(pid: number, read: (folder: ProcFolder) => T): T {
  const folder = openFolder(pid);
  try {
    return reading(() => read(new Folder(folder.number)));
  } finally {
    folder.close();
  }
}

/** Of `status` or `cgroup`, on the main loop. Whose it is, is for the caller to prove. */
export function readSafeText(folder: number, path: string): string {
  return readText(folder, path, MOST_SAFE_BYTES);
}

/** What the kernel says the pidfd names; 0 or less: nothing in our pid namespace. */
export function pidOf(pidfd: OwnedFd): number {
  return parsePidfdInfo(readText(AT_FDCWD, `/proc/self/fdinfo/${pidfd.number}`));
}

export function readText(folder: number, path: string, mostBytes = MOST_TEXT_BYTES): string {
  const file = new OwnedFd(openAt(folder, path, O_RDONLY));
  try {
    let length = 0;
    for (;;) {
      if (length === scratch.length) scratch = Buffer.concat([scratch], scratch.length * 4);
      const more = readInto(file.number, scratch, length);
      if (more === 0) return scratch.toString('latin1', 0, length);
      length += more;
      // guard: I9 test/peer/proc-look.test.ts
      if (length > mostBytes) throw new Error(`${path} is longer than ${mostBytes} bytes`);
    }
  } finally {
    file.close();
  }
}

function openFolder(pid: number): OwnedFd {
  if (!Number.isInteger(pid) || pid <= 0) throw new ProcessGone('no process of this pid namespace');
  return reading(() => new OwnedFd(openAt(AT_FDCWD, `/proc/${pid}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)));
}

/** ESRCH and a vanished folder mean the same: gone. Everything else is for the reader to judge. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (
      error instanceof NativeError &&
      (error.code === 'ESRCH' || (error.code === 'ENOENT' && error.call === 'openat'))
    ) {
      throw new ProcessGone(`${error.message} below /proc`);
    }
    throw error;
  }
}

class Safe implements SafeFolder {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  text(name: string): string {
    return readText(this.#fd, name, MOST_SAFE_BYTES);
  }
}

class Folder implements ProcFolder {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  text(name: string): string {
    return readText(this.fd, name);
  }

  link(name: string): Buffer {
    return Buffer.from(readLinkAt(this.fd, name, linkBytes));
  }

  identity(name: string): FileIdentity {
    return statIdentity(this.fd, name);
  }

  facts(name: string): FileFacts {
    return statFacts(this.fd, name);
  }

  shortMountId(name: string): bigint {
    return shortMountId(this.fd, name);
  }
}
