// SPDX-License-Identifier: Apache-2.0
/** Who is in which group, from the machine's account files, and from `getent` for accounts kept elsewhere (LDAP, systemd). */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';

export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface Accounts {
  /** By name or by number in decimal. */
  group(nameOrGid: string): Promise<Group | undefined>;
  user(uid: number): Promise<User | undefined>;
}

const GETENT_TIMEOUT_MS = 2_000;
const NUMBER = /^\d{1,10}$/;

export const machineAccounts: Accounts = {
  async group(nameOrGid) {
    for (const row of await rows('/etc/group', 'group', nameOrGid)) {
      const [name, , gid, members] = row;
      if (name === undefined || gid === undefined || !NUMBER.test(gid)) continue;
      if (name !== nameOrGid && gid !== nameOrGid) continue;
      return { name, gid: Number(gid), members: (members ?? '').split(',').filter((member) => member !== '') };
    }
    return undefined;
  },
  async user(uid) {
    for (const row of await rows('/etc/passwd', 'passwd', String(uid))) {
      const [name, , number, gid] = row;
      if (name === undefined || number !== String(uid) || gid === undefined) continue;
      return { name, uid, gid: Number(gid) };
    }
    return undefined;
  },
};

/** Numbers by name. */
export interface AccountNames {
  uid(name: string): Promise<number | undefined>;
  gid(name: string): Promise<number | undefined>;
}

export const machineNames: AccountNames = {
  async uid(name) {
    const row = (await rows('/etc/passwd', 'passwd', name)).find(([user]) => user === name);
    return row?.[2] !== undefined && NUMBER.test(row[2]) ? Number(row[2]) : undefined;
  },
  gid: async (name) => {
    const group = await machineAccounts.group(name);
    return group?.name === name ? group.gid : undefined;
  },
};

/** The file's rows, then what `getent` knows beyond them. */
async function rows(file: string, database: string, key: string): Promise<readonly (readonly string[])[]> {
  const local = split(await readFile(file, 'utf8').catch(() => ''));
  const here = local.some((row) => row[0] === key || row[2] === key);
  return here || key.startsWith('-') ? local : [...local, ...split(await getent(database, key))];
}

function split(text: string): readonly (readonly string[])[] {
  return text.split('\n').map((line) => line.split(':'));
}

function getent(database: string, key: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      '/usr/bin/getent',
      [database, key],
      { timeout: GETENT_TIMEOUT_MS, maxBuffer: 1 << 20, env: Object.create(null) },
      // No such account, no getent, or no answer: not known here.
      (error, stdout) => resolve(error === null ? stdout : ''),
    );
  });
}
