// SPDX-License-Identifier: Apache-2.0
/** A daemon's `peer/` room alone, at the socket path given; says who connects. For daemons in other namespaces or uids. */
import { systemClock } from '../../../src/lib/clock.ts';
import type { Failure } from '../../../src/lib/failure.ts';
import { Ceilings } from '../../../src/peer/ceilings.ts';
import { hardenProcess } from '../../../src/peer/harden.ts';
import { listenForPeers } from '../../../src/peer/listener.ts';
import { preparePeerPlatform } from '../../../src/peer/platform.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';

const [given = '', ...flags] = process.argv.slice(2);
const path = flags.find((flag) => flag.startsWith('--path='))?.slice(7) ?? given;

function say(event: object): void {
  const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);
  process.stdout.write(`${JSON.stringify(event, plain)}\n`);
}

try {
  if (flags.includes('--hardened')) hardenProcess();
  const platform = await preparePeerPlatform({
    log: silentLogger,
    clock: systemClock,
    digestFileBytes: 512 << 20,
    connections: 100,
    connector: !flags.includes('--no-connector'),
  });
  const systemdFd = flags.includes('--passed') ? { systemdFd: 3 } : {};
  await listenForPeers({
    path,
    mode: 0o777,
    folderMode: 0o755,
    ...systemdFd,
    log: silentLogger,
    ceilings: new Ceilings({ what: 'connections', perUid: 256, perCgroup: 1024, total: 1024, reserved: 8, ownUid: 0 }),
    platform,
    accept: (socket, { process: caller, sameNamespaces }) => {
      socket.resume();
      const { pid, uid, gid, weak } = caller;
      caller.onEnd((reason) => say({ event: 'ended', pid, reason }));
      Promise.all([caller.status(), caller.exe(new AbortController().signal)]).then(
        ([status, exe]) =>
          say({
            event: 'accepted',
            pid,
            uid,
            gid,
            weak,
            sameNamespaces,
            same: caller.stillSame().same,
            status,
            ...exe,
          }),
        (error: Failure) => say({ event: 'failed', pid, reason: error.reason, message: error.message }),
      );
    },
    refused: ({ reason, message, hint }) => say({ event: 'refused', reason, message, hint }),
  });
  say({ event: 'ready', ...platform.describe() });
} catch (error) {
  const { reason, message } = error as Failure;
  say({ event: 'failed', reason, message });
}
