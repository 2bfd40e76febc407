// SPDX-License-Identifier: Apache-2.0
/**
 * The sockets of tasks: each a Workload API that knows one task, in a folder that nobody but the daemon can list or write. Whoever
 * finds one may connect, as to the workload socket; what they are given is decided by who they are (WEP-19, attack A12).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GrpcDoor } from '../api/grpc-door.ts';
import { workloadChain } from '../api/interceptors/chain.ts';
import { loadProtoDefinition } from '../api/proto.ts';
import { addSideServices } from '../api/side-services.ts';
import { addTaskService, TASK_PROTO, TASK_SERVICE, type TaskServiceDeps } from '../api/task/task-service.ts';
import { addWorkloadService } from '../api/workload/workload-service.ts';
import type { Config } from '../config/config.ts';
import type { WorkloadIdentities } from '../issuance/workload-identities.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { Ceilings } from '../peer/ceilings.ts';
import { listenForPeers } from '../peer/listener.ts';
import type { Peer } from '../peer/peer.ts';
import type { PeerPlatform } from '../peer/platform.ts';
import { Rates } from '../peer/rates.ts';
import { removedStale } from '../peer/socket-file.ts';
import type { TaskSocket } from '../tasks/rooms.ts';
import type { Logger } from '../telemetry/logger.ts';

const SOCKET_MODE = 0o666;
/** Passed through by whoever knows a name within; the names have 80 bits of chance. */
const FOLDER_MODE = 0o711;
/** Time for the last statuses to reach their callers. */
const GRACE_MS = 500;
const SERVICE = 'SpiffeWorkloadAPI';
const PROTO = 'workload.proto';
const NAME = /^[0-7][0-9a-z]{25}\.sock$/;

export interface TaskDoorParts {
  readonly config: Config;
  readonly platform: PeerPlatform;
  readonly ownUid: number;
  readonly refused: { add(reason: string): void };
  readonly clock: Clock;
  readonly log: Logger;
}

export class TaskDoors {
  readonly #parts: TaskDoorParts;
  readonly #streams: Ceilings;
  readonly #connections: Ceilings;
  readonly #rates: Rates;

  constructor(parts: TaskDoorParts) {
    const { config, ownUid, clock } = parts;
    const { limits } = config;
    this.#parts = parts;
    // One share of each uid over all its tasks.
    this.#streams = new Ceilings({
      what: 'open streams',
      perUid: limits.streamsPerUid,
      perCgroup: limits.streams,
      total: limits.streams,
      reserved: 0,
      ownUid,
    });
    this.#connections = new Ceilings({
      what: 'connections',
      perUid: limits.connectionsPerUid,
      perCgroup: limits.connectionsPerCgroup,
      total: limits.connections,
      reserved: limits.connectionsReserved,
      ownUid,
    });
    const burst = 2 * limits.streamsPerUid;
    this.#rates = new Rates({ what: 'new streams', burst, perSecond: limits.newStreamsPerSecond, ownUid }, clock);
  }

  /** Of a daemon that was killed. Those behind which somebody listens are another daemon's. */
  async removeLeftovers(): Promise<void> {
    const { config, log } = this.#parts;
    const { taskDir } = config.sockets;
    let names: readonly string[] = [];
    try {
      names = readdirSync(taskDir);
    } catch (error) {
      // Not made yet.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const paths = names.filter((name) => NAME.test(name)).map((name) => join(taskDir, name));
    const gone = await Promise.all(paths.map(removedStale));
    const left = paths.filter((_, i) => !gone[i]);
    if (left.length > 0)
      log.warn({ folder: taskDir, left }, 'sockets of tasks that are not ours are in the folder of ours');
  }

  /** `tasks`: so that a task below this one can be begun where its credentials are. */
  async open(taskId: string, identities: WorkloadIdentities, tasks: TaskServiceDeps['tasks']): Promise<TaskSocket> {
    const { config, platform, log } = this.#parts;
    const path = join(config.sockets.taskDir, `${taskId}.sock`);
    const { door, stop } = this.#door(identities, tasks);
    const listener = await listenForPeers({
      path,
      mode: SOCKET_MODE,
      folderMode: FOLDER_MODE,
      accept: door.accept,
      log: log.child({ task: taskId }),
      ceilings: this.#connections,
      platform,
    });
    let closed: Promise<void> | undefined;
    return {
      path,
      close: () => {
        closed ??= stop().finally(() => listener.close());
        return closed;
      },
    };
  }

  #door(
    identities: WorkloadIdentities,
    tasks: TaskServiceDeps['tasks'],
  ): { readonly door: GrpcDoor; stop(): Promise<void> } {
    const { config, refused, clock, log } = this.#parts;
    const { limits } = config;
    const served = new Set<string>();
    const peerOf = (call: { getPeer(): string }): Peer => door.peerOf(call);
    const door: GrpcDoor = new GrpcDoor({
      name: 'task',
      ...limits,
      interceptors: workloadChain({
        isServed: (path) => served.has(path),
        peerOf,
        ceilings: this.#streams,
        rates: this.#rates,
        refused,
      }),
      clock,
      log,
    });
    const workload = addWorkloadService({
      server: door.server,
      definition: loadProtoDefinition(PROTO)[SERVICE]!,
      identities,
      peerOf,
      onConnectionClose: (call, closed) => door.onConnectionClose(call, closed),
      x509: config.workloadApi.x509,
      undrainedMs: limits.undrainedMs,
      clock,
    });
    const task = addTaskService(door.server, { tasks, peerOf, undrainedMs: limits.undrainedMs, clock, log });
    const protos = new Map([
      [SERVICE, PROTO],
      [TASK_SERVICE, TASK_PROTO],
    ]);
    const side = addSideServices(door.server, protos, { undrainedMs: limits.undrainedMs, clock });
    for (const path of [...workload.served, ...task.served, ...side.served]) served.add(path);
    const stop = async (): Promise<void> => {
      side.stopping();
      task.endAll(OVER);
      workload.endAll(OVER);
      await door.close(GRACE_MS);
    };
    return { door, stop };
  }
}

/** WEP: a client that hears PERMISSION_DENIED of a task's socket does not come back for the same. */
const OVER = new Failure('permission-denied', 'TASK_OVER', 'the task of this socket is over', {
  hint: 'begin another: assay task run',
});
