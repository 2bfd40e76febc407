// SPDX-License-Identifier: Apache-2.0
/** A workload door on a real unix socket whose peers are made up, for tests of what lies between the wire and the one path. */
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { GrpcDoor } from '../../src/api/grpc-door.ts';
import { workloadChain } from '../../src/api/interceptors/chain.ts';
import type { StreamCeilings } from '../../src/api/interceptors/stream-ceiling.ts';
import type { StreamRates } from '../../src/api/interceptors/stream-rate.ts';
import { loadProtoDefinition } from '../../src/api/proto.ts';
import { addSdsService, sdsBounds } from '../../src/api/sds/sds-service.ts';
import { addWorkloadService } from '../../src/api/workload/workload-service.ts';
import type { WorkloadIdentities } from '../../src/issuance/workload-identities.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { Peer } from '../../src/peer/peer.ts';
import type { ProcessHandle } from '../../src/peer/process-handle.ts';
import { type Logger, silentLogger } from '../../src/telemetry/logger.ts';

export const SDS_REQUEST_BYTES = 262_144;

export interface TestDoorOptions {
  readonly path: string;
  readonly identities: WorkloadIdentities;
  readonly ceilings?: StreamCeilings;
  readonly rates?: StreamRates;
  readonly undrainedMs?: number;
  readonly log?: Logger;
  readonly clock?: Clock;
  /** Called with each accepted socket; false drops it without telling the door. */
  readonly onSocket?: (socket: Socket) => void;
}

export interface TestDoor {
  readonly door: GrpcDoor;
  close(): Promise<void>;
}

export function madeUpProcess(pid = 4242, uid = 1000): ProcessHandle {
  return {
    pid,
    uid,
    gid: uid,
    startTime: 1n,
    weak: false,
    key: `${pid}`,
    status: async () => ({ uid, gid: uid, groups: [] }),
    exe: async () => ({ readable: false, reason: 'made up' }),
    digest: async () => ({ readable: false, reason: 'made up' }),
    script: async () => ({ readable: false, reason: 'made up' }),
    scriptDigest: async () => ({ readable: false, reason: 'made up' }),
    cgroups: async () => [],
    withinCgroupOf: async () => ({ within: false, reason: 'made up' }),
    withinRootOwnedCgroup: async () => ({ within: false, reason: 'made up' }),
    stillSame: () => ({ same: true }),
    onEnd: () => () => undefined,
  };
}

export async function openDoor(options: TestDoorOptions): Promise<TestDoor> {
  let served: ReadonlySet<string> = new Set();
  const clock = options.clock ?? systemClock;
  const peerOf = (call: { getPeer(): string }): Peer => door.peerOf(call);
  const door: GrpcDoor = new GrpcDoor({
    name: 'workload',
    clock,
    streamsPerConnection: 32,
    headerBytes: 8192,
    requestBytes: 65_536,
    ownBounds: sdsBounds(SDS_REQUEST_BYTES),
    interceptors: workloadChain({
      isServed: (path) => served.has(path),
      peerOf,
      ceilings: options.ceilings ?? { acquire: () => ({ release: () => undefined }) },
      rates: options.rates ?? { take: () => undefined },
      refused: { add: () => undefined },
    }),
    log: options.log ?? silentLogger,
  });
  const service = addWorkloadService({
    server: door.server,
    definition: loadProtoDefinition('workload.proto')['SpiffeWorkloadAPI']!,
    identities: options.identities,
    peerOf,
    onConnectionClose: (call, closed) => door.onConnectionClose(call, closed),
    x509: true,
    undrainedMs: options.undrainedMs ?? 30_000,
    clock,
  });
  const sds = addSdsService({
    server: door.server,
    rules: {
      names: { svid: 'default', bundle: 'ROOTCA', allBundles: 'ALL' },
      disableSpiffeCertValidation: false,
      trustDomain: 'spiffe://td',
    },
    identities: options.identities,
    peerOf,
    takeRate: (peer) => options.rates?.take(peer),
    undrainedMs: options.undrainedMs ?? 30_000,
    clock,
    random: systemRandom,
    log: options.log ?? silentLogger,
  });
  served = new Set([...service.served, ...sds.served]);
  return { door, close: await serveDoor(door, options.path, options.onSocket) };
}

/** Accepts on `path` for a door; every connection is a made-up process. Returns what stops both. */
export async function serveDoor(
  door: GrpcDoor,
  path: string,
  onSocket?: (socket: Socket) => void,
): Promise<() => Promise<void>> {
  let count = 0;
  const listener: NetServer = createServer((socket) => {
    onSocket?.(socket);
    count += 1;
    door.accept(socket, { process: madeUpProcess(), connection: count, sameNamespaces: true });
  });
  await new Promise<void>((resolve) => listener.listen(path, resolve));
  return async () => {
    await door.close(100);
    await new Promise((resolve) => listener.close(resolve));
  };
}
