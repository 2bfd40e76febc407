// SPDX-License-Identifier: Apache-2.0
/** Which mounts of the daemon's own namespace lie on this machine's own disks or memory (proc_pid_mountinfo(5)). */
import { AT_FDCWD } from './native.ts';
import { readText } from './proc-look.ts';
import type { FileFacts } from './statx.ts';

/** File systems whose answers come from this kernel alone. Everything else (FUSE, network, unknown) is not trusted so far. */
const LOCAL_TYPES = new Set([
  'bcachefs',
  'btrfs',
  'erofs',
  'ext2',
  'ext3',
  'ext4',
  'f2fs',
  'iso9660',
  'overlay',
  'ramfs',
  'squashfs',
  'tmpfs',
  'xfs',
  'zfs',
]);

/** Remembered answers; forgotten all at once. */
const MOST = 4_096;

export class Mounts {
  readonly #known = new Map<bigint, boolean>();

  /** `shortMountId`: of the file, as mountinfo prints it. */
  isLocal(file: Pick<FileFacts, 'mountId' | 'mountIdUnique'>, shortMountId: bigint): boolean {
    const known = file.mountIdUnique ? this.#known.get(file.mountId) : undefined;
    if (known !== undefined) return known;
    const type = typeOf(readText(AT_FDCWD, '/proc/self/mountinfo'), shortMountId);
    const local = type !== undefined && LOCAL_TYPES.has(type);
    if (this.#known.size >= MOST) this.#known.clear();
    // A short id is reused after an unmount, so only an answer about a unique one is kept.
    if (file.mountIdUnique) this.#known.set(file.mountId, local);
    return local;
  }
}

/** Undefined for a mount of another namespace. Spaces in names are written `\040`, so ` - ` stands once a line. */
export function typeOf(mountinfo: string, shortMountId: bigint): string | undefined {
  const start = `${shortMountId} `;
  const row = mountinfo.split('\n').find((line) => line.startsWith(start));
  return row?.split(' - ')[1]?.split(' ')[0];
}
