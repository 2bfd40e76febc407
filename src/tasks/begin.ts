// SPDX-License-Identifier: Apache-2.0
/** Whether a task may begin, and if people have to say so, how near the process is to their keys (attack C2). */
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyDecision, UidRelation } from '../policy/contract.ts';
import type { GrantRecord } from '../store/grants.ts';
import type { TaskRecord } from '../store/tasks.ts';
import type { Caller } from './caller.ts';
import { decide, wordsOf } from './decide.ts';
import type { TaskRequest } from './request.ts';
import type { TaskRooms } from './rooms.ts';

/**
 * What is not known is taken as near, which asks for more and allows no more; so people and account files are looked at only
 * where somebody has to be asked. Under a grant its approvals are the task's, and nobody is asked again: what needs more is denied.
 */
export function decideBegin(
  rooms: TaskRooms,
  process: ProcessHandle,
  { intents, purpose, depth, grant }: TaskRecord,
  { identity, attested }: Caller,
  ttlMs: number,
): { readonly decision: PolicyDecision; readonly uidRelation: UidRelation } {
  const approvals = grant === null ? [] : rooms.grants.approvalsFor(grant, process);
  const facts = { identity, intents, purpose, depth, ttlMs, attested, approvals };
  const heard = { findings: rooms.findingsOf(identity.spiffeId), at: rooms.clock.now() };
  const as = (uidRelation: UidRelation) => ({
    decision: decide(rooms, 'begin', { ...facts, ...heard, uidRelation }),
    uidRelation,
  });
  const first = as('unknown');
  if (first.decision.outcome !== 'approve') return first;
  const uidRelation = rooms.uidRelation(process, identity);
  const second = uidRelation === 'unknown' ? first : as(uidRelation);
  // guard: C1 test/tasks/grant.test.ts
  if (grant !== null) return { ...second, decision: withoutAsking(second.decision, grant) };
  return second;
}

function withoutAsking(decision: PolicyDecision, grant: string): PolicyDecision {
  if (decision.outcome !== 'approve') return decision;
  const reason = `policy wants ${wordsOf(decision).needs}, and those who approved grant ${grant} are not enough`;
  return { policyHash: decision.policyHash, outcome: 'deny', reasons: [{ policyId: 'grant', reason }] };
}

/** Undefined where none is named. Throws Failure('permission-denied', 'GRANT_NOT_GIVEN'). */
export function grantFor(
  { grants }: TaskRooms,
  process: ProcessHandle,
  request: TaskRequest,
  { identity }: Caller,
): GrantRecord | undefined {
  return request.grant === '' ? undefined : grants.forTask(process, request, identity.spiffeId);
}
