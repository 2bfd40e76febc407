// SPDX-License-Identifier: Apache-2.0
/** Tasks, and what people are asked of them, with what they look through. Without policies none begins. */
import type { AttestationEngine } from '../attestation/engine.ts';
import type { Ballots } from '../ballots/ballots.ts';
import { Enrolments } from '../ballots/enrolments.ts';
import type { Config } from '../config/config.ts';
import type { Grants } from '../grants/grants.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { Standings } from '../issuance/standings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closers } from '../lib/closers.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import { descendsFrom } from '../peer/ancestry.ts';
import { ceilingSubject } from '../peer/ceilings.ts';
import type { PeerPlatform } from '../peer/platform.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import { ownersOf } from '../peer/process-owners.ts';
import type { PolicyAttested, PolicyEngine, PolicyTarget } from '../policy/contract.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../store/store.ts';
import { Tasks } from '../tasks/tasks.ts';
import type { Logger } from '../telemetry/logger.ts';
import { nearestTo, startApprovals } from './approvals.ts';
import { startGrants } from './grants.ts';
import { requestForTask, taskApprovals } from './task-approvals.ts';
import { TaskDoors } from './task-doors.ts';
import { findingNames, NEEDS_APPROVAL, type NoticeRooms, taskNotices } from './task-notices.ts';

export interface TaskParts extends Pick<NoticeRooms, 'detectors' | 'hasPolicies'> {
  readonly store: Store;
  readonly attestation: AttestationEngine;
  readonly registry: Registry;
  readonly standings: Standings;
  readonly platform: PeerPlatform;
  readonly policy: PolicyEngine;
  /** Undefined where no set decides. */
  readonly livePolicy: () => PolicyEngine | undefined;
  readonly trustDomain: TrustDomain;
  /** Of the key that signs the log: which daemon asks. */
  readonly logName: string;
  readonly targets: { get(name: string): PolicyTarget | undefined };
  readonly ownUid: number;
  readonly refused: { add(reason: string): void };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly closers: Closers;
}

export async function startTasks(
  config: Config,
  parts: TaskParts,
): Promise<{
  readonly tasks: Tasks;
  readonly ballots: Ballots;
  readonly enrolments: Enrolments;
  readonly grants: Grants;
}> {
  const { store, registry, standings, platform, closers, ownUid, clock, random, log } = parts;
  const findingsOf = findingNames(store.findings, config.detectors.actions);
  const ballots = startApprovals({ store, registry, clock, log, closers, policy: parts.livePolicy });
  const grants = startGrants(config, { ...parts, ballots, findingsOf });
  const doors = new TaskDoors({ ...parts, config });
  await doors.removeLeftovers();
  const tasks: Tasks = new Tasks({
    ...parts,
    store: store.tasks,
    changes: store,
    secretsOf: (process, signal) => secretsOf(platform, process, signal),
    findingsOf,
    noticed: taskNotices(parts),
    uidRelation: (process, { owner }) => nearestTo(process, owner, { registry, clock, policy: parts.livePolicy }),
    approvals: taskApprovals(ballots, (task, decision, leader) => ({
      request: requestForTask(task, decision, {
        targets: parts.targets,
        owner: registry.identity(task.identity)?.owner ?? '',
        findings: findingsOf(task.identity).filter((name) => name !== NEEDS_APPROVAL),
        trustDomain: parts.trustDomain.name,
        log: parts.logName,
        notAfter: task.createdAt + config.tasks.pendingMs,
        random,
      }),
      agent: ownersOf(leader),
    })),
    ownerOf: (process) => ceilingSubject(process).owner,
    grants,
    isBelow: (process, leader) => descendsFrom(process, leader),
    openSocket: (scope) => doors.open(scope.taskId, standings.within(scope), tasks),
    settings: {
      ...config.tasks,
      perUid: config.limits.tasksPerUid,
      total: config.limits.tasks,
      ownUid,
      insecureSameUid: config.insecureSameUid,
    },
  });
  closers.add('tasks', () => tasks.close());
  await tasks.endLeftovers();
  await ballots.endLeftovers();
  await grants.settle();
  const { trustDomain, logName } = parts;
  const people = registry.people;
  const enrolments = new Enrolments({ people, trustDomain: trustDomain.name, log: logName, clock, random });
  return { tasks, ballots, enrolments, grants };
}

/** A look that fails proves nothing, which is less than nothing seen (attack C5). */
async function secretsOf(
  { background }: PeerPlatform,
  process: ProcessHandle,
  signal: AbortSignal,
): Promise<PolicyAttested['secrets']> {
  try {
    const { environment } = await background.look(process, signal);
    return environment.outcome;
  } catch (error) {
    if (error instanceof Failure && error.reason === 'PROCESS_GONE') throw error;
    return 'unreadable';
  }
}
