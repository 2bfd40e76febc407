// SPDX-License-Identifier: Apache-2.0
/** What the path is told of a task: the identity that is lent, until when, and what its credentials say. Pure. */

import type { Meant } from '../jwt/mint-check.ts';
import type { Lease } from '../registry/match.ts';
import type { TaskIntent, TaskRecord } from '../store/tasks.ts';

export interface LeaseTerms {
  readonly x509TtlMs: number;
  readonly jwtTtlMs: number;
}

/** Undefined where nothing may be given in it. What policy says is asked besides. */
export function leaseOf(task: TaskRecord, terms: LeaseTerms, now: number): Lease | undefined {
  // guard: I5 test/tasks/lease.test.ts — by comparison as well as by its timer, which may be late
  if (task.state !== 'active' || task.deadline <= now) return undefined;
  const scopes = new Set(task.intents.map(({ target, action }) => `${target}:${action}`));
  return {
    ...terms,
    taskId: task.id,
    identity: task.identity,
    subject: `${task.identity}/task/${task.id}`,
    endsAt: task.deadline,
    claims: [
      ['txn', task.id],
      ['scope', [...scopes].join(' ')],
      ['authorization_details', task.intents.map(detailOf)],
    ],
  };
}

/** RFC 9396 section 2: `type` says how the rest is read. */
function detailOf({ target, action, resource }: TaskIntent): ReadonlyMap<string, Meant> {
  return new Map<string, Meant>([
    ['type', 'assay_intent'],
    ['locations', [target]],
    ['actions', [action]],
    ...(resource === null ? [] : [['identifier', resource] as const]),
  ]);
}
