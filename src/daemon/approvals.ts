// SPDX-License-Identifier: Apache-2.0
/** Approvals with what they look through. */
import { readFileSync } from 'node:fs';
import { type KeyReach, type UidRelation, uidRelation } from '../approvals/uid-relation.ts';
import { Ballots } from '../ballots/ballots.ts';
import { enrolmentOf } from '../ballots/enrolments.ts';
import { type AccountTexts, keyReach } from '../ballots/key-reach.ts';
import type { AskedOfPolicy } from '../ballots/rooms.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closers } from '../lib/closers.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import { ownersOf } from '../peer/process-owners.ts';
import type { PolicyEngine } from '../policy/contract.ts';
import type { Registry } from '../registry/registry.ts';
import type { HumanRecord } from '../store/humans.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface ApprovalParts {
  readonly store: Store;
  readonly registry: Pick<Registry, 'people'>;
  /** Undefined where no set decides. */
  readonly policy: () => PolicyEngine | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly closers: Closers;
}

/** Its `endLeftovers` comes after that of tasks, and before the first caller. */
export function startApprovals({ store, registry, policy, clock, log, closers }: ApprovalParts): Ballots {
  const ballots = new Ballots({
    store: store.approvals,
    tasks: store.tasks,
    changes: store,
    people: registry.people,
    mayDecide: (asked) => {
      const engine = policy();
      return engine === undefined ? answersFor(asked) : mayApprove(engine, asked);
    },
    enrolmentOf,
    reachOf: ({ uids }) => machineReach(uids, accountFiles()),
    clock,
    log,
  });
  closers.add('approvals', () => ballots.close());
  return ballots;
}

/**
 * How near an agent is to those who would be asked: `other` where policy lets somebody approve whose keys it cannot reach. Reads
 * the account files once.
 */
export function nearestTo(
  process: ProcessHandle,
  owner: string,
  { registry, policy, clock }: Pick<ApprovalParts, 'registry' | 'policy' | 'clock'>,
): UidRelation {
  const engine = policy();
  if (engine === undefined) return 'unknown';
  const [agent, files, at] = [ownersOf(process), accountFiles(), clock.now()];
  let nearest: UidRelation = 'unknown';
  for (const { name, active, teams, keys, uids } of registry.people.all()) {
    if (!active || keys.length === 0) continue;
    const relation = uidRelation(agent, machineReach(uids, files));
    if (relation === 'unknown') continue;
    const subject = { kind: 'task', id: 'any', owner } as const;
    const asked = { human: { name, active, teams }, subject, at, strength: 1, uid: 'other' } as const;
    // guard: C2 test/daemon/nearest.test.ts
    if (engine.mayApprove(asked).outcome !== 'allow') continue;
    if (relation === 'other') return 'other';
    nearest = 'same';
  }
  return nearest;
}

function mayApprove(policy: PolicyEngine, { human, request, strength, uid, at }: AskedOfPolicy): boolean {
  const { name, active, teams } = human;
  const subject = { kind: request.kind, id: request.id, owner: request.owner };
  return policy.mayApprove({ human: { name, active, teams }, subject, at, strength, uid }).outcome === 'allow';
}

/** Without policies: the owner of the identity, by name or as one of a team. */
function answersFor({ human: { name, teams }, request: { owner } }: AskedOfPolicy): boolean {
  return owner === `human:${name}` || teams.some((team) => owner === `team:${team}`);
}

/** Read each time: people decide seldom, and accounts change. A file that is not there says nothing; undefined: one cannot be read. */
function accountFiles(): AccountTexts | undefined {
  try {
    return { passwd: textOf('/etc/passwd'), group: textOf('/etc/group'), subuid: textOf('/etc/subuid') };
  } catch {
    return undefined;
  }
}

function machineReach(uids: HumanRecord['uids'], files: AccountTexts | undefined): KeyReach {
  return files === undefined ? { uids: [], ranges: [], gids: [] } : keyReach(uids, files);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
