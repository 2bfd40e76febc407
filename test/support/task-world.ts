// SPDX-License-Identifier: Apache-2.0
/** Tasks on a real store, registry and path; policy, targets and sockets are the test's. */
import type { TaskScope } from '../../src/issuance/task-rooms.ts';
import { Failure } from '../../src/lib/failure.ts';
import type { ProcessHandle } from '../../src/peer/process-handle.ts';
import type {
  PolicyApproval,
  PolicyAttested,
  PolicyDecision,
  PolicyEngine,
  PolicyRequest,
  PolicyTarget,
} from '../../src/policy/contract.ts';
import type { TaskFollower } from '../../src/tasks/live-task.ts';
import type { TaskNotice } from '../../src/tasks/notices.ts';
import type { AskedTask } from '../../src/tasks/request.ts';
import type { TaskGrants, TaskRooms, TaskSettings, TaskUpdate } from '../../src/tasks/rooms.ts';
import { Tasks } from '../../src/tasks/tasks.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { FakeClock } from './fake-clock.ts';
import { lone, OPERATOR, type TestProcess } from './lone.ts';

export const AGENT = 'spiffe://example.org/agent';
export const ALLOW: PolicyDecision = { policyHash: 'aa', outcome: 'allow', by: [] };

export const BOB: PolicyApproval = { human: 'bob', strength: 2, uid: 'other' };

export class TaskListener implements TaskFollower {
  readonly updates: TaskUpdate[] = [];
  tell(update: TaskUpdate): void {
    this.updates.push(update);
  }
  get kinds(): readonly string[] {
    return this.updates.map(({ kind }) => kind);
  }
}

export const ASKED: AskedTask = {
  identity: '',
  parent: '',
  grant: '',
  purpose: 'ticket 4711',
  intents: ['crm:read', 'payments:refund=order 7'],
  ttlMs: 0,
};

function target(name: string): PolicyTarget {
  return {
    name,
    owner: 'x',
    environment: '',
    impact: 'low',
    intents: ['read', 'refund'],
    thirdParty: false,
    reviewBy: null,
    expiresAt: Number.MAX_SAFE_INTEGER,
    retired: false,
  };
}

const NO_GRANTS: TaskGrants = {
  forTask: () => {
    throw new Failure('permission-denied', 'GRANT_NOT_GIVEN', 'there are none');
  },
  approvalsFor: () => [],
};

export async function taskWorld(dataDir: string, settings: Partial<TaskSettings> = {}, clock = new FakeClock()) {
  const rooms = await lone({ dataDir, clock });
  const asked: PolicyRequest[] = [];
  let decision: PolicyDecision | ((request: PolicyRequest) => PolicyDecision) = ALLOW;
  const policy: PolicyEngine = {
    policyHash: 'aa',
    decide(request) {
      asked.push(request);
      return typeof decision === 'function' ? decision(request) : decision;
    },
    mayApprove: () => ({ policyHash: 'aa', outcome: 'deny', reasons: [] }),
  };
  const notices: TaskNotice[] = [];
  const scopes = new Map<string, TaskScope>();
  const closed: string[] = [];
  const opened: string[] = [];
  let noVoters = false;
  const counted = new Map<string, readonly PolicyApproval[]>();
  let voice: Parameters<TaskRooms['approvals']['onVoice']>[0] = () => undefined;
  let secrets: PolicyAttested['secrets'] = 'none-seen';
  /** A child process to its parent. */
  const parents = new Map<ProcessHandle, ProcessHandle>();
  const taskRooms: TaskRooms = {
    store: rooms.store.tasks,
    changes: rooms.store,
    attestation: rooms.rooms.attestation,
    registry: rooms.registry,
    policy,
    targets: { get: (name) => (name === 'none' ? undefined : target(name)) },
    secretsOf: async () => secrets,
    findingsOf: () => [],
    // As if every uid from 100,000 on were of the subuid range of 1000.
    ownerOf: ({ uid }) => (uid >= 100_000 ? 1000 : uid),
    noticed: (notice) => void notices.push(notice),
    isBelow: (process, leader) => process === leader || parents.get(process) === leader,
    uidRelation: () => 'other',
    approvals: {
      open: async (task) => {
        if (noVoters) throw new Failure('failed-precondition', 'NOBODY_TO_ASK', 'nobody may approve this');
        opened.push(task.id);
      },
      countedFor: (id) => counted.get(id) ?? [],
      onVoice: (listener) => {
        voice = listener;
      },
    },
    grants: NO_GRANTS,
    openSocket: async (scope) => {
      scopes.set(scope.taskId, scope);
      return { path: `/task/${scope.taskId}.sock`, close: async () => void closed.push(scope.taskId) };
    },
    settings: {
      defaultTtlMs: 1_200_000,
      mostTtlMs: 3_600_000,
      x509TtlMs: 900_000,
      jwtTtlMs: 300_000,
      pendingMs: 900_000,
      mostDepth: 3,
      perUid: 4,
      total: 6,
      ownUid: 0,
      insecureSameUid: false,
      ...settings,
    },
    clock,
    random: rooms.rooms.random,
    log: silentLogger,
  };
  const tasks = new Tasks(taskRooms);
  await tasks.endLeftovers();
  const entry = (path: string, kind: 'agent' | 'service', uid = 1000) =>
    rooms.registry.createEntry(
      {
        entryId: path,
        spiffeId: `spiffe://example.org/${path}`,
        selectors: [`unix:uid:${uid}`],
        identity: { kind, purpose: 'p' },
      },
      OPERATOR,
    );
  const run = async (process: TestProcess, change: Partial<AskedTask> = {}, signal = new AbortController().signal) => {
    const listener = new TaskListener();
    const held = await tasks.run(process, { ...ASKED, ...change }, listener, signal);
    return { held, listener, id: held.task.id };
  };
  const settled = async (done: () => boolean): Promise<boolean> => {
    for (let at = 0; at < 400 && !done(); at += 1) {
      await clock.advance(0);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return done();
  };
  return {
    ...rooms,
    tasks,
    clock,
    asked,
    notices,
    scopes,
    closed,
    parents,
    entry,
    run,
    settled,
    decides: (next: typeof decision) => {
      decision = next;
    },
    opened,
    /** They sign, and the daemon hears of it. */
    approve: (id: string, approvals: readonly PolicyApproval[] = [BOB]) => {
      counted.set(id, approvals);
      voice(id);
    },
    cannotAsk: () => {
      noVoters = true;
    },
    says: (id: string, kind: 'rejected' | 'withdrawn') => voice(id, { kind, reason: `${kind} by bob` }),
    finds: (next: PolicyAttested['secrets']) => {
      secrets = next;
    },
    end: (id: string) => rooms.store.tasks.get(id)?.end,
    close: async () => {
      await tasks.close();
      await rooms.close();
    },
  };
}
