// SPDX-License-Identifier: Apache-2.0
/**
 * A task on its way out of `pending`: the process is attested anew and policy is asked anew, since the world may have changed
 * while people were thinking. What they approved is what they were shown, so any difference ends it (attack C4).
 */
import { Failure } from '../lib/failure.ts';
import type { PolicyDecision } from '../policy/contract.ts';
import { isStale } from '../store/records.ts';
import type { TaskEnd } from '../store/tasks.ts';
import { lookAtCaller } from './caller.ts';
import { decide } from './decide.ts';
import type { LiveTask } from './live-task.ts';
import { STALE_TRIES } from './refusals.ts';
import type { TaskRooms } from './rooms.ts';

/** How it leaves, or that it stays. */
export type Leaving = 'active' | 'stays' | { readonly end: TaskEnd; readonly reason: string };

type Verdict = Exclude<Leaving, 'active'> | { readonly identityRevision: number; readonly policyHash: string };

/** A look at a process whose attestor does not answer. */
const LOOK_MS = 10_000;
const LONGEST_REASON = 1_000;
const DAEMON = 'assay';

/** Whatever changes while it looks is looked at again. `active` is written; nothing else is. */
export async function leavePending(rooms: TaskRooms, live: LiveTask): Promise<Leaving> {
  for (let tries = 1; live.record.state === 'pending' && tries <= STALE_TRIES; tries += 1) {
    const verdict = await judge(rooms, live, AbortSignal.timeout(LOOK_MS));
    if (verdict === 'stays' || 'end' in verdict) return verdict;
    const { policyHash, identityRevision } = verdict;
    const at = rooms.clock.now();
    const { record } = live;
    const active = { ...record, policyHash, state: 'active', stateSince: at, revision: record.revision + 1 } as const;
    try {
      await rooms.store.activate(active, identityRevision, DAEMON, at);
    } catch (error) {
      if (isStale(error)) continue;
      // It ended meanwhile, which is heard from the store.
      if (error instanceof Failure && error.reason === 'REVISION_CONFLICT') return 'stays';
      throw error;
    }
    live.activate(active);
    return 'active';
  }
  return 'stays';
}

async function judge(rooms: TaskRooms, live: LiveTask, signal: AbortSignal): Promise<Verdict> {
  const { record, leader } = live;
  const approvals = rooms.approvals.countedFor(record.id);
  if (approvals.length === 0) return 'stays';
  let caller: Awaited<ReturnType<typeof lookAtCaller>>;
  try {
    caller = await lookAtCaller(rooms, leader, record.identity, signal);
  } catch (error) {
    const why = error instanceof Failure ? error.message : String(error);
    return { end: 'changed', reason: `its process could not be attested anew: ${why}`.slice(0, LONGEST_REASON) };
  }
  // guard: C4 test/tasks/pending.test.ts — what people were shown is what there is
  if (caller.text !== record.attested)
    return { end: 'changed', reason: 'its process is not as it was when people were asked' };
  const at = rooms.clock.now();
  const decision: PolicyDecision = decide(rooms, 'begin', {
    identity: caller.identity,
    intents: record.intents,
    purpose: record.purpose,
    depth: record.depth,
    ttlMs: record.deadline - record.createdAt,
    attested: caller.attested,
    approvals,
    findings: rooms.findingsOf(record.identity),
    uidRelation: live.uidRelation,
    at,
  });
  const { policyHash } = decision;
  switch (decision.outcome) {
    case 'approve':
      return 'stays';
    case 'deny':
      return {
        end: 'policy',
        reason: decision.reasons
          .map(({ reason }) => reason)
          .join('; ')
          .slice(0, LONGEST_REASON),
      };
    case 'allow':
      return { identityRevision: caller.identity.revision, policyHash };
  }
}
