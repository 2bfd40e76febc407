// SPDX-License-Identifier: Apache-2.0
/**
 * Names for uids and gids, from the daemon's own /etc/passwd and /etc/group. No NSS: a lookup that asks a directory
 * server could hang a caller's request, or let that server rename users. Re-read when a file changes.
 */
import { readFileSync, statSync } from 'node:fs';

export interface AccountNames {
  user(uid: number): string | undefined;
  group(gid: number): string | undefined;
}

/** An account file with a million rows is 60 MB; larger ones are not what they seem. */
const MOST_BYTES = 64 << 20;

export function accountNames(passwd = '/etc/passwd', group = '/etc/group'): AccountNames {
  const users = new NameFile(passwd);
  const groups = new NameFile(group);
  return { user: (uid) => users.name(uid), group: (gid) => groups.name(gid) };
}

class NameFile {
  readonly #path: string;
  #version: string | undefined;
  #names: ReadonlyMap<number, string> = new Map();

  constructor(path: string) {
    this.#path = path;
  }

  name(id: number): string | undefined {
    const version = versionOf(this.#path);
    if (version !== this.#version) {
      this.#names = version === undefined ? new Map() : parseNames(readFileSync(this.#path, 'utf8'));
      this.#version = version;
    }
    return this.#names.get(id);
  }
}

/** Changes whenever the file does; undefined where there is none that can be used. */
function versionOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile() || stats.size > MOST_BYTES) return undefined;
  return `${stats.dev}.${stats.ino}.${stats.size}.${stats.mtimeNs}.${stats.ctimeNs}`;
}

/** `name:x:id:…`. The first row of an id wins, as in getpwuid(3). */
export function parseNames(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const row of text.split('\n')) {
    const [name, , id] = row.split(':');
    // `+` and `-` rows include NIS; `#` is a remark to some libraries.
    if (name === undefined || id === undefined || !/^[^\s+#-][^\p{Cc}]*$/u.test(name) || !/^\d{1,10}$/.test(id))
      continue;
    const number = Number(id);
    if (number < 2 ** 32 && !names.has(number)) names.set(number, name);
  }
  return names;
}
