// SPDX-License-Identifier: Apache-2.0
/**
 * Looks at itself as the daemon looks at a caller: its own listener, a connection from itself, the attestors on the handle.
 * `attestation.ts` starts it in a container's cgroup and reads the one line that it prints.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dockerAttestor } from '../attestors/docker/docker-attestor.ts';
import type { ConnectEngine } from '../attestors/docker/http.ts';
import type { ConnectManager } from '../attestors/systemd/system-manager.ts';
import { systemdAttestor } from '../attestors/systemd/systemd-attestor.ts';
import { accountNames } from '../attestors/unix/account-names.ts';
import { unixAttestor } from '../attestors/unix/unix-attestor.ts';
import type { Attestor, ProcessHandle } from '../src/attestation/plugin.ts';
import { systemClock as clock } from '../src/lib/clock.ts';
import { connectManager } from '../src/peer/manager-socket.ts';
import { connectUpstream } from '../src/peer/upstream-socket.ts';
import { silentLogger as log } from '../src/telemetry/logger.ts';
import { firstSvid, type Latency } from './connect.ts';
import { coldLooks, latencyOf, ownHandle, timedLook, warmLooks } from './own-handle.ts';

export interface AttestationOrder {
  readonly warm: number;
  readonly cold: number;
  /** Below each of them a daemon listens; callers are counted against it end to end. */
  readonly workloadSocket: string | undefined;
  readonly connects: number;
  readonly engine: string | undefined;
  readonly container: string | undefined;
  /** It runs in a unit of a system manager, which is measured too. */
  readonly systemd: boolean;
}

export interface Measured {
  readonly warm: Latency;
  readonly cold: Latency | undefined;
  /** Requests to the source for each 1,000 warm looks. */
  readonly requests: number;
}

export interface SystemdMeasured extends Measured {
  /** A process that has not been asked about, in a unit that is known. */
  readonly another: Latency;
}

export interface AttestationReport {
  readonly unix: Measured;
  readonly docker: Measured | undefined;
  readonly systemd: SystemdMeasured | undefined;
  readonly firstSvid: Latency | undefined;
}

const never = new AbortController().signal;
const uid = process.getuid?.() ?? 0;
const order = JSON.parse(process.argv[2] ?? '{}') as AttestationOrder;
const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
const caller = await ownHandle(folder);
try {
  const self = caller.handle;
  const report: AttestationReport = {
    unix: await measure(
      unixAttestor({ path: true, sha256: false, pathInContainers: false, users: accountNames() }),
      self,
    ),
    docker: order.engine === undefined ? undefined : await measureDocker(self, order.engine, order.container ?? ''),
    systemd: order.systemd ? await measureSystemd(self) : undefined,
    firstSvid: order.workloadSocket === undefined ? undefined : await firstSvid(order.workloadSocket, order.connects),
  };
  console.log(JSON.stringify(report));
} finally {
  await caller.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

async function measure(attestor: Attestor, self: ProcessHandle, counts = { requests: 0 }): Promise<Measured> {
  await attestor.attest(self, never);
  const before = counts.requests;
  const warm = await warmLooks(attestor, self, order.warm);
  return { warm, cold: undefined, requests: ((counts.requests - before) * 1000) / order.warm };
}

async function measureDocker(self: ProcessHandle, engine: string, container: string): Promise<Measured> {
  const counts = { requests: 0 };
  const connectEngine: ConnectEngine = (signal) => {
    counts.requests += 1;
    return connectUpstream({ path: engine, field: 'engine', uid: 0 }, signal);
  };
  const attestor = dockerAttestor({
    engines: [{ name: 'docker', uid: 0, connect: connectEngine, clock, log }],
    wantEnv: () => false,
  });
  try {
    const watched = told(attestor);
    await attestor.attest(self, never);
    await watched;
    const warm = await measure(attestor, self, counts);
    return { ...warm, cold: await cold(attestor, self, engine, container) };
  } finally {
    await attestor.close?.();
  }
}

/** Cold: not even connected. */
async function measureSystemd(self: ProcessHandle): Promise<SystemdMeasured> {
  const counts = { requests: 0 };
  const connectCounted: ConnectManager = async (signal) => {
    const connected = await connectManager(uid, signal);
    const write = connected.socket.write;
    // One message a write.
    connected.socket.write = ((...words: Parameters<typeof write>) => {
      counts.requests += 1;
      return write.apply(connected.socket, words);
    }) as typeof write;
    return connected;
  };
  const make = (): Attestor => systemdAttestor({ connect: connectCounted, distrust: () => undefined, uid, clock, log });
  const coldTimes = await coldLooks(make, self, order.cold);
  const attestor = make();
  try {
    const warm = await measure(attestor, self, counts);
    const times: number[] = [];
    for (let i = 0; i < order.cold; i += 1) times.push(await timedLook(attestor, stranger(self)));
    return { ...warm, cold: coldTimes, another: latencyOf(times) };
  } finally {
    await attestor.close?.();
  }
}

/** The same process under a handle that nobody has seen. */
function stranger(self: ProcessHandle): ProcessHandle {
  return { pid: self.pid, cgroups: () => self.cgroups() } as ProcessHandle;
}

/** Each time after an event of the container: the engine is asked about it and about its image. */
async function cold(attestor: Attestor, self: ProcessHandle, engine: string, container: string): Promise<Latency> {
  const { request } = await import('node:http');
  const times: number[] = [];
  for (let i = 0; i < order.cold; i += 1) {
    const changed = told(attestor);
    const path = `/containers/${container}/rename?name=assay-bench-${process.pid}-${i}`;
    await new Promise((resolve, reject) => {
      const sent = request({ socketPath: engine, method: 'POST', path, agent: false }, (answer) => {
        answer.resume().on('end', resolve);
      });
      sent.on('error', reject).end();
    });
    await changed;
    times.push(await timedLook(attestor, self));
  }
  return latencyOf(times);
}

function told(attestor: Attestor): Promise<void> {
  return new Promise((resolve) => {
    const undo = attestor.onChange?.(() => {
      undo?.();
      resolve();
    });
  });
}
