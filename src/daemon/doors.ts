// SPDX-License-Identifier: Apache-2.0
/** The two sockets of a lone daemon, each with its door, its ceilings and its folder mode (attack B3). */
import type { AdminDeps } from '../api/admin/deps.ts';
import { addAdminService } from '../api/admin/service.ts';
import { GrpcDoor } from '../api/grpc-door.ts';
import { workloadChain } from '../api/interceptors/chain.ts';
import { knownMethod } from '../api/interceptors/known-method.ts';
import { addLauncherService, type LauncherDeps } from '../api/launcher/launcher-service.ts';
import { loadProtoDefinition } from '../api/proto.ts';
import { addSdsService, SDS_PROTO, SDS_SERVICE, sdsBounds } from '../api/sds/sds-service.ts';
import { addSideServices } from '../api/side-services.ts';
import { addTaskService, type TaskServiceDeps } from '../api/task/task-service.ts';
import { addWorkloadService } from '../api/workload/workload-service.ts';
import type { Config } from '../config/config.ts';
import type { SdsConfig } from '../config/sds.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { WorkloadIdentities } from '../issuance/workload-identities.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import { Ceilings } from '../peer/ceilings.ts';
import type { Peer } from '../peer/peer.ts';
import { Rates } from '../peer/rates.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface Door {
  readonly door: GrpcDoor;
  /** Ends open calls with UNAVAILABLE, which every client takes as "come back" (I7, CLI-17), then the connections. */
  close(): Promise<void>;
}

export type LauncherRooms = Pick<LauncherDeps, 'launches' | 'registry'>;

/** Time for the last statuses to reach their callers. */
const GRACE_MS = 500;

const WORKLOAD_PROTO = 'workload.proto';
const WORKLOAD_SERVICE = 'SpiffeWorkloadAPI';

const STOPPING = new Failure('unavailable', 'DAEMON_STOPPING', 'the daemon is stopping', { hint: 'connect again' });

export interface WorkloadDoorDeps {
  readonly identities: WorkloadIdentities;
  readonly trustDomain: TrustDomain;
  readonly launcher: LauncherRooms;
  readonly tasks: TaskServiceDeps['tasks'];
  readonly ownUid: number;
  readonly refused: { add(reason: string): void };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export function workloadDoor(config: Config, deps: WorkloadDoorDeps): Door {
  const { limits } = config;
  const served = new Set<string>();
  const peerOf = (call: { getPeer(): string }): Peer => door.peerOf(call);
  const ceilings = new Ceilings({
    what: 'open streams',
    perUid: limits.streamsPerUid,
    perCgroup: limits.streams,
    total: limits.streams,
    reserved: 0,
    ownUid: deps.ownUid,
  });
  const rates = new Rates(
    {
      what: 'new streams',
      burst: 2 * limits.streamsPerUid,
      perSecond: limits.newStreamsPerSecond,
      ownUid: deps.ownUid,
    },
    deps.clock,
  );
  const door: GrpcDoor = new GrpcDoor({
    name: 'workload',
    ...limits,
    ownBounds: sdsBounds(limits.sdsRequestBytes),
    interceptors: workloadChain({
      isServed: (path) => served.has(path),
      peerOf,
      ceilings,
      rates,
      refused: deps.refused,
    }),
    clock: deps.clock,
    log: deps.log,
  });
  const sdsService = (rules: SdsConfig): ReturnType<typeof addSdsService> =>
    addSdsService({
      ...deps,
      server: door.server,
      rules: { ...rules, trustDomain: deps.trustDomain.id },
      peerOf,
      takeRate: (peer) => rates.take(peer),
      undrainedMs: limits.undrainedMs,
    });
  const workload = addWorkloadService({
    server: door.server,
    definition: loadProtoDefinition(WORKLOAD_PROTO)[WORKLOAD_SERVICE]!,
    identities: deps.identities,
    peerOf,
    onConnectionClose: (call, closed) => door.onConnectionClose(call, closed),
    x509: config.workloadApi.x509,
    undrainedMs: limits.undrainedMs,
    clock: deps.clock,
  });
  const sds = config.sds === undefined ? undefined : sdsService(config.sds);
  const described = [[WORKLOAD_SERVICE, WORKLOAD_PROTO] as const, ...(sds ? [[SDS_SERVICE, SDS_PROTO] as const] : [])];
  const side = addSideServices(door.server, new Map(described), {
    undrainedMs: limits.undrainedMs,
    clock: deps.clock,
  });
  const launcher = addLauncherService(door.server, {
    ...deps.launcher,
    daemonUid: deps.ownUid,
    rules: config.admin.roles.filter((role) => role.role === 'launcher'),
    peerOf,
    onConnectionClose: (call, closed) => door.onConnectionClose(call, closed),
    clock: deps.clock,
    log: deps.log,
  });
  const task = addTaskService(door.server, {
    tasks: deps.tasks,
    peerOf,
    undrainedMs: limits.undrainedMs,
    clock: deps.clock,
    log: deps.log,
  });
  for (const path of [...workload.served, ...task.served, ...(sds?.served ?? []), ...launcher, ...side.served])
    served.add(path);
  return {
    door,
    close: async () => {
      side.stopping();
      task.endAll(STOPPING);
      workload.endAll(STOPPING);
      sds?.endAll(STOPPING);
      await door.close(GRACE_MS);
    },
  };
}

export function adminDoor(config: Config, clock: Clock, deps: AdminDeps): Door {
  let served: ReadonlySet<string> = new Set();
  const door: GrpcDoor = new GrpcDoor({
    name: 'admin',
    ...config.limits,
    requestBytes: ADMIN_REQUEST_BYTES,
    interceptors: [knownMethod((path) => served.has(path))],
    clock,
    log: deps.log,
  });
  served = addAdminService(door.server, deps, (call) => {
    const { process, sameNamespaces } = door.peerOf(call);
    return { uid: process.uid, pid: process.pid, sameNamespaces };
  });
  return { door, close: () => door.close(GRACE_MS) };
}

/** A foreign bundle as text with the most certificates that one may have. */
const ADMIN_REQUEST_BYTES = 1024 * 1024;
