// SPDX-License-Identifier: Apache-2.0
/** This process as a daemon sees who connects to it, and how long attestors look at it. */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Attestor, ProcessHandle } from '../src/attestation/plugin.ts';
import { systemClock } from '../src/lib/clock.ts';
import { Ceilings } from '../src/peer/ceilings.ts';
import { listenForPeers } from '../src/peer/listener.ts';
import type { Peer } from '../src/peer/peer.ts';
import { preparePeerPlatform } from '../src/peer/platform.ts';
import { silentLogger as log } from '../src/telemetry/logger.ts';
import type { Latency } from './connect.ts';
import { quantile } from './stats.ts';

export interface Caller {
  readonly handle: ProcessHandle;
  close(): Promise<void>;
}

const never = new AbortController().signal;
const WARMING = 200;

export async function ownHandle(folder: string): Promise<Caller> {
  const platform = await preparePeerPlatform({ log, clock: systemClock, digestFileBytes: 512 << 20, connections: 10 });
  const path = join(folder, 'socket', 'api.sock');
  const ceilings = new Ceilings({ what: 'connections', perUid: 9, perCgroup: 9, total: 9, reserved: 1, ownUid: 0 });
  const accepted = Promise.withResolvers<[Socket, Peer]>();
  const accept = (socket: Socket, peer: Peer): void => accepted.resolve([socket, peer]);
  const listener = await listenForPeers({ path, mode: 0o600, folderMode: 0o700, accept, log, ceilings, platform });
  const client = connect(path);
  const [socket, peer] = await accepted.promise;
  return {
    handle: peer.process,
    close: async () => {
      client.destroy();
      socket.destroy();
      await listener.close();
      await platform.close();
    },
  };
}

/** One after another, after some that do not count. */
export async function warmLooks(attestor: Attestor, handle: ProcessHandle, count: number): Promise<Latency> {
  for (let i = 0; i < WARMING; i += 1) await attestor.attest(handle, never);
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) times.push(await timedLook(attestor, handle));
  return latencyOf(times);
}

/** Each with an attestor that was made for it, which is part of the time. */
export async function coldLooks(
  make: () => Attestor | Promise<Attestor>,
  handle: ProcessHandle,
  count: number,
): Promise<Latency> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const from = performance.now();
    const attestor = await make();
    await timedLook(attestor, handle);
    times.push(performance.now() - from);
    await attestor.close?.();
  }
  return latencyOf(times);
}

export async function timedLook(attestor: Attestor, handle: ProcessHandle): Promise<number> {
  const from = performance.now();
  const found = await attestor.attest(handle, never);
  if (!found.applies) throw new Error(`${attestor.name} does not apply: ${found.reason}`);
  return performance.now() - from;
}

export function latencyOf(times: readonly number[]): Latency {
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}
