// SPDX-License-Identifier: Apache-2.0
/** Reads a configuration as the daemon would, from text. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Accounts } from '../../src/config/accounts.ts';
import { type ConfigSource, type InspectedConfig, inspectConfig } from '../../src/config/parse.ts';

export interface Given extends Partial<Omit<ConfigSource, 'file'>> {
  readonly yaml?: string;
}

/** A machine with a few accounts. */
export const someAccounts: Accounts = {
  async group(nameOrGid) {
    const groups = [
      { name: 'root', gid: 0, members: [] },
      { name: 'assay-admin', gid: 950, members: ['anna'] },
    ];
    return groups.find((group) => group.name === nameOrGid || String(group.gid) === nameOrGid);
  },
  async user(uid) {
    const users = [
      { name: 'anna', uid: 1001, gid: 1001 },
      { name: 'ben', uid: 1002, gid: 950 },
      { name: 'carl', uid: 1003, gid: 1003 },
    ];
    return users.find((user) => user.uid === uid);
  },
};

/** `dir` is where the file is put. As root unless `uid` says otherwise; the file belongs to whoever runs the test. */
export function inspect(dir: string, given: Given): Promise<InspectedConfig> {
  const { yaml, ...source } = given;
  const file = join(dir, 'assay.yaml');
  if (yaml !== undefined) writeFileSync(file, yaml, { mode: 0o600 });
  return inspectConfig({
    flags: new Map(),
    env: new Map(),
    uid: process.getuid!(),
    gid: 0,
    accounts: someAccounts,
    ...(yaml === undefined ? {} : { file }),
    ...source,
  });
}

/** Enough to be valid under any uid. */
export const PLACES = [
  'data_dir: /var/lib/assay',
  'sockets: { workload: /run/assay/workload/api.sock, admin: /run/assay-admin/admin.sock, task_dir: /run/assay-task }',
  '',
].join('\n');
