// SPDX-License-Identifier: Apache-2.0
/** The two unix sockets of a lone daemon: who may reach them, and how many at once (attack B3, I9). */
import { machineAccounts } from '../config/accounts.ts';
import type { Config } from '../config/config.ts';
import type { Closers } from '../lib/closers.ts';
import { Failure, quote } from '../lib/failure.ts';
import { Ceilings } from '../peer/ceilings.ts';
import { listenForPeers } from '../peer/listener.ts';
import type { PeerPlatform } from '../peer/platform.ts';
import { takePassedSockets } from '../peer/systemd.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Door } from './doors.ts';

/** Any uid may connect to the workload socket: attestation decides, not file modes (WEP-19). Admin is for its group. */
const WORKLOAD_FOLDER_MODE = 0o755;
const ADMIN_FOLDER_MODE = 0o750;

export interface SocketParts {
  readonly admin: Door;
  readonly workload: Door;
  readonly platform: PeerPlatform;
  readonly ownUid: number;
  readonly log: Logger;
  readonly closers: Closers;
}

/** The workload socket last: who connects there is served. */
export async function openSockets({ sockets, limits }: Config, parts: SocketParts): Promise<void> {
  const { admin, workload, platform, ownUid, log, closers } = parts;
  const adminGid = await groupIdOf(sockets.adminGroup);
  const passed = takePassedSockets(process.env, process.pid);
  const listen = async (path: string, socketMode: number, folderMode: number, { door }: Door): Promise<void> => {
    const fd = passed.get(path);
    const listener = await listenForPeers({
      path,
      mode: socketMode,
      folderMode,
      ...(folderMode === ADMIN_FOLDER_MODE && adminGid !== undefined ? { folderGroup: adminGid } : {}),
      ...(fd === undefined ? {} : { systemdFd: fd }),
      accept: door.accept,
      log,
      ceilings: new Ceilings({
        what: 'connections',
        perUid: limits.connectionsPerUid,
        perCgroup: limits.connectionsPerCgroup,
        total: limits.connections,
        reserved: limits.connectionsReserved,
        ownUid,
      }),
      platform,
    });
    closers.add(`socket ${path}`, () => listener.close());
  };
  await listen(sockets.admin, 0o660, ADMIN_FOLDER_MODE, admin);
  await listen(sockets.workload, 0o777, WORKLOAD_FOLDER_MODE, workload);
}

async function groupIdOf(name: string | undefined): Promise<number | undefined> {
  if (name === undefined) return undefined;
  const group = await machineAccounts.group(name);
  if (group !== undefined) return group.gid;
  throw new Failure(
    'invalid-argument',
    'GROUP_UNKNOWN',
    `sockets.admin_group ${quote(name)} is no group of this machine`,
    {
      field: 'sockets.admin_group',
      value: name,
      hint: `groupadd --system ${name}`,
    },
  );
}
