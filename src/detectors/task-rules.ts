// SPDX-License-Identifier: Apache-2.0
/**
 * What the detectors of tasks go by: what was asked for, and how that went, in; a finding or nothing out. Pure. Keys hold
 * nothing that whoever asks can choose anew each time, so that asking again opens no second finding.
 */
import type { Evidence } from '../store/findings.ts';
import type { TaskIntent } from '../store/tasks.ts';
import type { Found } from './rules.ts';

/** Somebody asked for a task. */
export interface Asked {
  /** SPIFFE ID of the identity that is lent; the caller was attested to have it. */
  readonly identity: string;
  /** Its id; of one that a parent does not cover, the parent's. */
  readonly task: string;
  readonly pid: number;
  readonly uid: number;
  readonly intents: readonly TaskIntent[];
  /** One of its targets is of high impact. */
  readonly isHigh: boolean;
  /** `not-declared`: the parent does not cover it. */
  readonly refused: 'not-declared' | 'denied' | undefined;
  /** Of policies, where it was denied: `default` where none permits. */
  readonly deniedBy: readonly string[];
}

/** One that was denied before. */
export type Denied = Pick<Asked, 'task' | 'intents' | 'isHigh'>;

/**
 * What a refusal says of what was asked for: no permit, no such target, no such intent, another environment (docs/policy.md).
 * Other guardrails speak of the process, the identity or the day, and a site's own `forbid` of anything.
 */
const OF_WHAT_IS_ASKED: ReadonlySet<string> = new Set(['default', 'known-intent', 'inside-the-task', 'env-isolation']);
/** Intents that a finding shows. */
const SHOWN = 8;

/** Outside of what it declared, or of what it may declare at all. */
export function isUndeclared({ refused, deniedBy }: Asked): boolean {
  if (refused === 'denied') return deniedBy.some((policyId) => OF_WHAT_IS_ASKED.has(policyId));
  return refused === 'not-declared';
}

export function intentMismatch(asked: Asked): Found {
  const cause = asked.refused === 'not-declared' ? 'not-in-parent' : 'not-permitted';
  // A parent is one of few; each task that is denied is another one.
  const key = asked.refused === 'not-declared' ? { cause, task: asked.task } : { cause };
  return found('intent-mismatch', asked, key);
}

export function undeclaredIntents(asked: Asked): Found {
  return found('undeclared-intents', asked, {});
}

/** A target of high impact after a deny of none, or all that was denied and more. */
export function escalation(asked: Asked, denied: readonly Denied[]): Found | undefined {
  const before = denied.find((one) => {
    if (asked.isHigh && !one.isHigh) return true;
    return covers(asked.intents, one.intents) && !covers(one.intents, asked.intents);
  });
  if (before === undefined) return undefined;
  const { evidence, ...rest } = found('escalation-after-deny', asked, {});
  return { ...rest, evidence: { ...evidence, denied: before.task } };
}

/** Each of `inner` is one of `outer`: the same, or on one thing where that is on any. */
function covers(outer: readonly TaskIntent[], inner: readonly TaskIntent[]): boolean {
  return inner.every((one) =>
    outer.some(
      ({ target, action, resource }) =>
        target === one.target && action === one.action && (resource === null || resource === one.resource),
    ),
  );
}

function found(detector: Found['detector'], { identity, task, pid, uid, intents }: Asked, key: Evidence): Found {
  // Which ticket or account is in the task's own record.
  const names = [...new Set(intents.map(({ target, action }) => `${target}:${action}`))].slice(0, SHOWN);
  return { detector, identity, task, key, evidence: { ...key, intents: names, pid, uid } };
}
