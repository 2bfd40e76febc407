// SPDX-License-Identifier: Apache-2.0
/** What settings say about each other: lifetimes (I5, I6), folders (attack B3), roles and the admin folder's group. */
import { dirname } from 'node:path';
import { formatDuration } from '../lib/duration.ts';
import type { Accounts } from './accounts.ts';
import type { Config } from './config.ts';
import { checkFederation } from './federation.ts';
import { LEAST_CA_TTL_MS, overCaShare } from './lifetimes.ts';
import { checkLimits } from './limits.ts';
import { liesWithin } from './paths.ts';
import type { SettingsReader } from './reader.ts';

export function checkLifetimes(reader: SettingsReader, config: Config): void {
  const { ttlMs, insecureShortCa } = config.ca;
  if (ttlMs < LEAST_CA_TTL_MS && !insecureShortCa) {
    // guard: I6 test/config/lifetimes.test.ts
    reader.refuse(
      reader.label('ca.ttl'),
      formatDuration(ttlMs),
      `is shorter than ${formatDuration(LEAST_CA_TTL_MS)}: verifiers could not learn a new key before it signs`,
      `set ca.ttl to ${formatDuration(LEAST_CA_TTL_MS)} or more, or ca.insecure_short_ca: true for a demonstration`,
    );
  }
  const tooLong = overCaShare(config.svid.x509TtlMs, ttlMs, 'svid.x509_ttl');
  if (tooLong !== undefined) {
    const shown = formatDuration(config.svid.x509TtlMs);
    // guard: I5 test/config/lifetimes.test.ts
    reader.refuse(reader.label('svid.x509_ttl'), shown, `is ${tooLong.broken}`, tooLong.hint);
  }
  const token = overCaShare(config.svid.jwtTtlMs, ttlMs, 'svid.jwt_ttl');
  // guard: I5 test/config/bad-config.test.ts
  if (token !== undefined)
    reader.refuse(reader.label('svid.jwt_ttl'), formatDuration(config.svid.jwtTtlMs), `is ${token.broken}`, token.hint);
}

/** `real` resolves links in a path, as far as it exists. */
export async function checkFolders(
  reader: SettingsReader,
  config: Config,
  real: (path: string) => Promise<string>,
): Promise<void> {
  const folders = [
    { key: 'sockets.workload', folder: dirname(config.sockets.workload) },
    { key: 'sockets.admin', folder: dirname(config.sockets.admin) },
    { key: 'sockets.task_dir', folder: config.sockets.taskDir },
    { key: 'sockets.plugin_dir', folder: config.sockets.pluginDir },
    { key: 'data_dir', folder: config.dataDir },
  ];
  const resolved = await Promise.all(folders.map(async (one) => ({ ...one, real: await real(one.folder) })));
  for (const inner of resolved) {
    for (const outer of resolved) {
      if (inner === outer || (inner.real === outer.real && inner.key > outer.key)) continue;
      if (!liesWithin(inner.real, outer.real)) continue;
      const same = inner.real === outer.real;
      // guard: B3 test/config/folders.test.ts — whoever mounts one folder into a container must not get another with it
      reader.refuse(
        reader.label(inner.key),
        inner.folder,
        same ? `is also the folder of ${outer.key}` : `lies within the folder of ${outer.key} (${outer.folder})`,
        'give each socket and the data a folder of its own, none inside another',
      );
    }
  }
}

export async function checkRoles(
  reader: SettingsReader,
  config: Config,
  uid: number,
  gid: number,
  accounts: Accounts,
  warn: (text: string) => void,
): Promise<void> {
  const { adminGroup } = config.sockets;
  const group = await accounts.group(adminGroup ?? String(gid));
  if (adminGroup !== undefined && group === undefined && !/^\d+$/.test(adminGroup)) {
    reader.refuse(
      reader.label('sockets.admin_group'),
      adminGroup,
      'is no group of this machine',
      `make it: groupadd --system ${adminGroup}`,
    );
    return;
  }
  if (config.admin.roles.length === 0) return;
  if (uid !== 0) {
    reader.refuse(
      'admin.roles',
      undefined,
      'needs a daemon that runs as root: without root only its own uid administers',
      'run the daemon as root, or remove admin.roles',
    );
    return;
  }
  const groupId = group?.gid ?? Number(adminGroup ?? gid);
  const groupName = group?.name ?? String(groupId);
  for (const [index, role] of config.admin.roles.entries()) {
    // A launcher needs no admin socket: it asks where workloads do.
    if (role.uid === 0 || role.role === 'launcher') continue;
    const user = await accounts.user(role.uid);
    if (user === undefined) {
      warn(
        `admin.roles[${index}]: uid ${role.uid} has no account here; it reaches the admin socket only if it runs with group ${groupName}`,
      );
      continue;
    }
    if (user.gid === groupId || (group?.members ?? []).includes(user.name)) continue;
    reader.refuse(
      `admin.roles[${index}].uid`,
      role.uid,
      `(${user.name}) is not in the group ${groupName}, which owns the admin socket's folder, so it could not connect`,
      group === undefined || groupId === 0
        ? `make a group for administrators, set sockets.admin_group to it, then: usermod -aG GROUP ${user.name}`
        : `run: usermod -aG ${groupName} ${user.name}`,
    );
  }
}

export function checkRest(reader: SettingsReader, config: Config): void {
  const { x509, jwt } = config.workloadApi;
  // guard: WAPI-01 test/config/bad-config.test.ts
  if (!x509 && !jwt)
    reader.refuse(
      reader.label('workload_api.jwt'),
      false,
      'leaves nothing to issue, beside workload_api.x509: false',
      'set one of them to true',
    );
  if (config.experimental.witInBundleEndpoint && !config.experimental.wit)
    reader.refuse(
      reader.label('experimental.wit_in_bundle_endpoint'),
      true,
      'means nothing without experimental.wit',
      'set experimental.wit: true, or remove it',
    );
  checkLimits(reader, config.limits);
  checkFederation(reader, config.https, config.federation);
  const launcher = config.admin.roles.findIndex(({ role }) => role === 'launcher');
  if (launcher >= 0 && config.attestors.launcher === undefined) {
    reader.refuse(
      `admin.roles[${launcher}].role`,
      'launcher',
      'means nothing without the launcher attestor',
      'add "launcher: {}" below attestors (beside "unix: {}"), or remove the role',
    );
  }
  const { plugins, ...own } = config.attestors;
  if (plugins.length === 0 && Object.values(own).every((attestor) => attestor === undefined)) {
    const line = reader.tree('attestors')?.line;
    reader.refuse(
      reader.placeOf('attestors', line),
      undefined,
      'names no attestor, so nobody could get an identity',
      'add "unix: {}" below it, or remove the block',
    );
  }
}
