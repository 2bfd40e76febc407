// SPDX-License-Identifier: Apache-2.0
/**
 * Could anybody else change what a path names (attack A13)? The way is walked from / down, each link followed by hand,
 * and ends at the first thing that is not trusted: nothing is ever looked at inside a folder that somebody else owns, so
 * that no file server of theirs is asked (attack A11).
 *
 * In a sticky folder (`/tmp`) others may make entries but not replace those of root or the daemon.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Distrust {
  /** The file, folder or link at fault. */
  readonly path: string;
  /** A sentence after the path: `belongs to uid 7`. */
  readonly reason: string;
  readonly hint: string;
}

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
/** As the kernel (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Why somebody besides `owners` could change what the absolute `path` names; undefined when nobody could. `folder`: the
 * path is a folder in which others may make nothing at all.
 */
export function distrust(
  path: string,
  owners: ReadonlySet<number>,
  kind: 'file' | 'folder' = 'file',
): Distrust | undefined {
  let at = '/';
  let links = 0;
  let stats = look(at);
  const rest = names(path);
  for (;;) {
    if ('reason' in stats) return stats;
    const found = judge(at, stats, owners);
    // guard: A13 test/config/trusted-path.test.ts
    if (found !== undefined) return found;
    if (stats.isSymbolicLink()) {
      links += 1;
      if (links > MOST_LINKS) return { path: at, reason: 'leads in a circle of links', hint: 'name the file itself' };
      const to = readlinkSync(at);
      rest.unshift(...names(to));
      at = to.startsWith('/') ? '/' : dirname(at);
    } else {
      const name = rest.shift();
      if (name === undefined) break;
      if (!stats.isDirectory()) return { path: at, reason: 'is no folder', hint: 'check the path' };
      at = name === '..' ? dirname(at) : join(at, name);
    }
    stats = look(at);
  }
  return kind === 'file' ? judgeFile(at, stats) : judgeFolder(at, stats);
}

function names(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function look(path: string): Stats | Distrust {
  try {
    return lstatSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return { path, reason: 'does not exist', hint: 'check the path' };
    return { path, reason: `cannot be looked at (${code ?? 'unknown error'})`, hint: 'check owner and mode' };
  }
}

function judge(path: string, stats: Stats, owners: ReadonlySet<number>): Distrust | undefined {
  if (!owners.has(stats.uid)) {
    const allowed = [...owners].map((uid) => (uid === 0 ? 'root' : `uid ${uid}`)).join(' or ');
    return { path, reason: `belongs to uid ${stats.uid}, who could change it`, hint: `chown it to ${allowed}` };
  }
  if (stats.isSymbolicLink() || (stats.mode & OTHERS_WRITE) === 0) return undefined;
  if (stats.isDirectory() && (stats.mode & STICKY) !== 0) return undefined;
  return othersWrite(path, stats);
}

function judgeFile(path: string, stats: Stats): Distrust | undefined {
  return stats.isFile() ? undefined : { path, reason: 'is no regular file', hint: 'name the file itself' };
}

function judgeFolder(path: string, stats: Stats): Distrust | undefined {
  if (!stats.isDirectory()) return { path, reason: 'is no folder', hint: 'check the path' };
  // guard: A13 test/config/trusted-path.test.ts — where a name is free, anyone may take it
  if ((stats.mode & OTHERS_WRITE) !== 0) return othersWrite(path, stats);
  return undefined;
}

function othersWrite(path: string, stats: Stats): Distrust {
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
  return { path, reason: `has mode ${mode}: others can write it`, hint: `chmod go-w ${path}` };
}
