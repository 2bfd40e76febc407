// SPDX-License-Identifier: Apache-2.0
/** Approvals with what they look through. */
import { readFileSync } from 'node:fs';
import type { KeyReach } from '../approvals/uid-relation.ts';
import { Ballots } from '../ballots/ballots.ts';
import { keyReach } from '../ballots/key-reach.ts';
import type { AskedOfPolicy } from '../ballots/rooms.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closers } from '../lib/closers.ts';
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

/** After tasks have ended what an earlier daemon left. */
export async function startApprovals({
  store,
  registry,
  policy,
  clock,
  log,
  closers,
}: ApprovalParts): Promise<Ballots> {
  const ballots = new Ballots({
    store: store.approvals,
    tasks: store.tasks,
    changes: store,
    people: registry.people,
    mayDecide: (asked) => {
      const engine = policy();
      return engine === undefined ? answersFor(asked) : mayApprove(engine, asked);
    },
    // No statement about a key is kept yet: each counts as software (attack C3).
    enrolmentOf: () => ({ highest: 1, proof: 'none' }),
    reachOf: ({ uids }) => machineReach(uids),
    clock,
    log,
  });
  closers.add('approvals', () => ballots.close());
  await ballots.endLeftovers();
  return ballots;
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

/** Read each time: people decide seldom, and accounts change. A file that is not there says nothing, one that cannot be read says no. */
function machineReach(uids: HumanRecord['uids']): KeyReach {
  try {
    return keyReach(uids, {
      passwd: textOf('/etc/passwd'),
      group: textOf('/etc/group'),
      subuid: textOf('/etc/subuid'),
    });
  } catch {
    return { uids: [], ranges: [], gids: [] };
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
