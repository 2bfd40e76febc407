// SPDX-License-Identifier: Apache-2.0
/** The admin service on a real socket, over real store, registry and authority; who calls is the test's to say. */
import { join } from 'node:path';
import { Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js';
import type { AdminCaller, AdminRole } from '../../src/api/admin/authorisation.ts';
import type { AdminDeps } from '../../src/api/admin/deps.ts';
import { addAdminService } from '../../src/api/admin/service.ts';
import { fromStatus } from '../../src/api/status.ts';
import { Ballots } from '../../src/ballots/ballots.ts';
import { Enrolments, enrolmentOf } from '../../src/ballots/enrolments.ts';
import { readBundle, renderSpiffeBundle } from '../../src/bundle/document.ts';
import { readBundleMap, renderBundleMap } from '../../src/bundle/map.ts';
import { policyDoor } from '../../src/daemon/admin-deps.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Failure } from '../../src/lib/failure.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { AdminClient, type Message } from './admin-client.ts';
import { lone, TD } from './lone.ts';
import { RecordingLogger } from './recording-logger.ts';

export const ROOT: AdminCaller = { uid: 0, pid: 7, sameNamespaces: true };

export interface AdminBench {
  /** Who calls from here on. */
  caller: AdminCaller;
  readonly log: RecordingLogger;
  readonly deps: AdminDeps;
  readonly ballots: Ballots;
  readonly rooms: Awaited<ReturnType<typeof lone>>;
  call(rpc: string, request?: object): Promise<Message>;
  /** The Failure that a call ends with. */
  refused(rpc: string, request?: object): Promise<Failure>;
  close(): Promise<void>;
}

export async function adminBench(
  dir: string,
  over: Partial<AdminDeps> & { readonly daemonUid?: number; readonly roles?: readonly AdminRole[] } = {},
): Promise<AdminBench> {
  const rooms = await lone({ dataDir: join(dir, 'data'), clock: systemClock });
  const log = new RecordingLogger();
  const ballots = new Ballots({
    store: rooms.store.approvals,
    tasks: rooms.store.tasks,
    changes: rooms.store,
    people: rooms.registry.people,
    mayDecide: () => true,
    enrolmentOf,
    reachOf: ({ uids }) => ({ uids, ranges: [], gids: [] }),
    clock: systemClock,
    log,
  });
  const deps: AdminDeps = {
    registry: rooms.registry,
    issuances: rooms.store,
    authorities: { x509: rooms.authority, jwt: rooms.jwt },
    ownBundle: rooms.ownBundle,
    audit: {
      event: (seq) => rooms.store.audit.event(seq),
      events: (...asked) => rooms.store.audit.events(...asked),
      provenEvents: (...asked) => rooms.store.audit.provenEvents(...asked),
      inclusionProof: (...asked) => rooms.store.audit.inclusionProof(...asked),
      checkpointOver: (seq) => rooms.store.audit.checkpointOver(seq),
      redact: (...asked) => rooms.store.audit.redact(...asked),
      head: () => rooms.store.audit.head(),
      // Unsigned: `test/audit` has the room.
      checkpoint: async () => ({ ...rooms.store.audit.head(), at: 0, note: 'a note' }),
      verifierKey: () => 'a key',
    },
    policies: policyDoor(rooms.policies, rooms.store),
    findings: rooms.store.findings,
    approvals: {
      store: rooms.store.approvals,
      state: (id) => ballots.state(id),
      submit: (...asked) => ballots.submit(...asked),
    },
    enrolments: new Enrolments({
      people: rooms.registry.people,
      trustDomain: TD.name,
      log: 'assay.example.org/log',
      clock: systemClock,
      random: systemRandom,
    }),
    // People and policies are asked in `test/cli/grant.test.ts`.
    grants: {
      get: (id) => rooms.store.grants.get(id),
      list: (filter, page) => rooms.store.grants.list(filter, page),
      request: () => Promise.reject(new Error('nobody is asked here')),
      revoke: (id, reason, by) => rooms.store.grants.revoke(id, reason, by, rooms.rooms.clock.now()),
      humanOf: () => null,
    },
    tasks: {
      get: (id) => rooms.store.tasks.get(id),
      list: (filter, page) => rooms.store.tasks.list(filter, page),
      revoke: (id, reason, by) => rooms.store.tasks.end(id, 'revoked', reason, by, rooms.rooms.clock.now()),
    },
    report: (offenders) => rooms.store.reports.take({ now: Date.now(), unusedSince: 0, keptSince: 0 }, offenders),
    // None here: `test/federation` has the room, `test/cli/federation.test.ts` the whole way.
    federation: {
      all: () => [],
      has: () => false,
      get: nothingThere,
      create: nothingThere,
      refresh: nothingThere,
      delete: nothingThere,
    },
    documents: {
      render: renderSpiffeBundle,
      parse: readBundle,
      renderMap: renderBundleMap,
      parseMap: readBundleMap,
    },
    clockGuard: rooms.guard,
    health: async () => [],
    doctor: async () => [],
    federationDoctor: () => ({
      discovery: { issuer: '', unserved: '', keySet: '', signingKid: '', tokenTtlMs: 0, refreshHintSeconds: 0 },
      relationships: [],
    }),
    defaultX509TtlMs: 3_600_000,
    defaultJwtTtlMs: 300_000,
    strengthOf: () => 'kernel',
    explainer: { process: () => Promise.reject(new Error('nobody to look at')), identity: () => undefined },
    daemon: {
      uid: over.daemonUid ?? 0,
      pid: 99,
      trustDomain: TD,
      nodeId: `${TD.id}/spire/agent/assay/0000000000000000`,
      version: '0.0.0',
      startedAt: 1_000,
    },
    roles: [],
    legacyMaxTtlMs: 600_000,
    now: () => systemClock.now(),
    log,
    ...over,
  };
  const server = new Server();
  const path = join(dir, 'admin.sock');
  let caller = ROOT;
  addAdminService(server, deps, () => caller);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  const client = new AdminClient(path);
  return {
    get caller() {
      return caller;
    },
    set caller(next) {
      caller = next;
    },
    log,
    deps,
    ballots,
    rooms,
    call: (rpc, request) => client.call(rpc, request),
    refused: async (rpc, request) => {
      const answer = await client.call(rpc, request).catch((error: ServiceError) => fromStatus(error));
      if (answer instanceof Error) return answer as Failure;
      throw new Error(`${rpc} was not refused: ${JSON.stringify(answer)}`);
    },
    async close() {
      client.close();
      server.forceShutdown();
      ballots.close();
      await rooms.close();
    },
  };
}

function nothingThere(): never {
  throw new Error('there are no relationships');
}
