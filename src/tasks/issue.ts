// SPDX-License-Identifier: Apache-2.0
/** What may be issued in a task now: its lease, where policy still agrees. */
import type { Strength } from '../identity/strength.ts';
import type { Lease } from '../registry/match.ts';
import { selectorsFor } from './caller.ts';
import { decide } from './decide.ts';
import { leaseOf } from './lease.ts';
import type { LiveTask } from './live-task.ts';
import { notIssued } from './refusals.ts';
import type { TaskRooms } from './rooms.ts';

/** `selectors`: of the process that asks. Throws a Failure('permission-denied') where policy says no. */
export function leaseNow(
  rooms: TaskRooms,
  { record, leader, secrets, uidRelation }: LiveTask,
  selectors: ReadonlyMap<string, Strength>,
): Lease | undefined {
  const at = rooms.clock.now();
  const lease = leaseOf(record, rooms.settings, at);
  const identity = rooms.registry.identity(record.identity);
  if (lease === undefined || identity === undefined) return undefined;
  const decision = decide(rooms, 'issue', {
    identity,
    intents: record.intents,
    purpose: record.purpose,
    depth: record.depth,
    ttlMs: record.deadline - at,
    attested: { ...selectorsFor(selectors), secrets },
    // Whoever left since, or lost their key, has approved nothing.
    approvals:
      record.grant === null ? rooms.approvals.countedFor(record.id) : rooms.grants.approvalsFor(record.grant, leader),
    findings: rooms.findingsOf(record.identity),
    uidRelation,
    at,
    task: { id: record.id, state: record.state },
  });
  // guard: C1 test/tasks/issue.test.ts
  if (decision.outcome !== 'allow') {
    const why = decision.outcome === 'deny' ? decision.reasons : decision.because;
    throw notIssued(record.id, why.map(({ reason }) => reason).join('; '));
  }
  return lease;
}
