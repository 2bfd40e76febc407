// SPDX-License-Identifier: Apache-2.0
/** Whether a task may begin, and if people have to say so, how near the process is to their keys (attack C2). */
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyDecision, UidRelation } from '../policy/contract.ts';
import type { TaskRecord } from '../store/tasks.ts';
import type { Caller } from './caller.ts';
import { decide } from './decide.ts';
import type { TaskRooms } from './rooms.ts';

/**
 * What is not known is taken as near, which asks for more and allows no more; so people and account files are looked at only
 * where somebody has to be asked.
 */
export function decideBegin(
  rooms: TaskRooms,
  process: ProcessHandle,
  { intents, purpose, depth }: TaskRecord,
  { identity, attested }: Caller,
  ttlMs: number,
): { readonly decision: PolicyDecision; readonly uidRelation: UidRelation } {
  const facts = { identity, intents, purpose, depth, ttlMs, attested, approvals: [] };
  const heard = { findings: rooms.findingsOf(identity.spiffeId), at: rooms.clock.now() };
  const as = (uidRelation: UidRelation) => ({
    decision: decide(rooms, 'begin', { ...facts, ...heard, uidRelation }),
    uidRelation,
  });
  const first = as('unknown');
  if (first.decision.outcome !== 'approve') return first;
  const uidRelation = rooms.uidRelation(process, identity);
  return uidRelation === 'unknown' ? first : as(uidRelation);
}
