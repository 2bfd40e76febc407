// SPDX-License-Identifier: Apache-2.0
/** A task's record as it begins. */
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { ulid } from '../lib/ulid.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyDecision } from '../policy/contract.ts';
import type { GrantRecord } from '../store/grants.ts';
import type { TaskRecord } from '../store/tasks.ts';
import type { Caller } from './caller.ts';
import { tooDeep } from './refusals.ts';
import { digestOf, type TaskRequest } from './request.ts';

const LONGEST_REASON = 1_000;

export interface NewTaskRooms {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: { readonly mostDepth: number };
}

export function newTask(
  { clock, random, settings }: NewTaskRooms,
  process: ProcessHandle,
  request: TaskRequest,
  caller: Caller,
  parent: TaskRecord | undefined,
  grant: GrantRecord | undefined,
): TaskRecord {
  const now = clock.now();
  const id = ulid(now, random);
  const depth = parent === undefined ? 0 : parent.depth + 1;
  // guard: I9 test/tasks/members.test.ts
  if (depth > settings.mostDepth) throw tooDeep(settings.mostDepth);
  const said = {
    identity: caller.identity.spiffeId,
    parent: parent?.id ?? null,
    grant: grant?.id ?? null,
    purpose: request.purpose,
    intents: request.intents,
    pid: process.pid,
    uid: process.uid,
    gid: process.gid,
    startTime: process.startTime.toString(),
    attested: caller.text,
  };
  return {
    ...said,
    id,
    root: parent?.root ?? id,
    depth,
    // guard: I5 test/tasks/tasks.test.ts — no task outlives its identity, its parent or its grant
    deadline: Math.min(
      now + request.ttlMs,
      caller.identity.expiresAt,
      parent?.deadline ?? Infinity,
      grant?.windowTo ?? Infinity,
    ),
    digest: digestOf(said, request.ttlMs),
    policyHash: '',
    state: 'active',
    stateSince: now,
    end: null,
    endReason: null,
    createdAt: now,
    revision: 1,
  };
}

/** As policy decided. */
export function asDecided(record: TaskRecord, decision: PolicyDecision): TaskRecord {
  const { outcome, policyHash } = decision;
  const decided = { ...record, policyHash };
  if (outcome !== 'deny') return { ...decided, state: outcome === 'allow' ? 'active' : 'pending' };
  return { ...decided, state: 'denied', end: 'policy', endReason: reasonsOf(decision).slice(0, LONGEST_REASON) };
}

/** In words. */
export function reasonsOf({ reasons }: PolicyDecision & { readonly outcome: 'deny' }): string {
  return reasons.map(({ reason }) => reason).join('; ');
}
