// SPDX-License-Identifier: Apache-2.0
/**
 * When the text of /proc/PID/exe may be called the executable's path (attack A6). The kernel's text is whatever the
 * file was called, in whatever mount namespace, ` (deleted)` and newlines included; so it counts only if it is plain
 * text and the file at that place is the very file that runs. Nothing is stripped or repaired.
 */
import { isUtf8 } from 'node:buffer';
import {
  O_NOFOLLOW,
  O_PATH,
  openAt2,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';
import { type FileIdentity, statIdentity } from './statx.ts';

export type LinkText = { readonly text: string } | { readonly reason: string };

/** C0, DEL and C1 (NEL and CSI move a terminal too). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

export function linkText(link: Buffer): LinkText {
  // guard: A6 test/peer/executable-path.test.ts
  if (!isUtf8(link)) return { reason: 'the name of the executable is not valid UTF-8' };
  const text = link.toString('utf8');
  // guard: A6 test/peer/executable-path.test.ts
  if (CONTROL.test(text)) return { reason: 'the name of the executable holds control characters' };
  // memfd and other files without a place: `/memfd:x (deleted)` is absolute, `anon_inode:x` is not.
  if (!text.startsWith('/')) return { reason: 'the executable has no place in the file system' };
  return { text };
}

/** What stands at the path: a file's identity, nothing, or `ask`: only a file server could say, so a helper must ask. */
export type AtPath = FileIdentity | 'nothing' | 'ask';

/** Below `root` (a folder's descriptor), from what the kernel has in memory: never waits (RESOLVE_CACHED, openat2(2)). */
export function fileAt(root: number, path: string, more = 0): AtPath {
  return resolved(root, path, RESOLVE_CACHED | more);
}

/** The same, waiting as long as the file system makes it wait. For the helper process only. */
export function fileAtWaiting(root: number, path: string, more = 0): AtPath {
  return resolved(root, path, more);
}

export const IN_ROOT = RESOLVE_IN_ROOT;

function resolved(root: number, path: string, resolve: number): AtPath {
  try {
    // The kernel prints names without symbolic links, so one on the way now means another place.
    const flags = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | resolve;
    const file = new OwnedFd(openAt2(root, path, O_PATH | O_NOFOLLOW, flags));
    try {
      return statIdentity(file.number, '');
    } finally {
      file.close();
    }
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    // EINVAL, ENOSYS: a kernel before 5.12 or 5.6, or a seccomp filter (EPERM).
    return ['EAGAIN', 'EINVAL', 'ENOSYS', 'EPERM'].includes(error.code) ? 'ask' : 'nothing';
  }
}
