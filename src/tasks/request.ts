// SPDX-License-Identifier: Apache-2.0
/** What an agent asks for when it begins a task, checked; and the digest that stands for it. Pure. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../lib/canonical-json.ts';
import { formatDuration } from '../lib/duration.ts';
import { Failure, quote } from '../lib/failure.ts';
import { FREE_TEXT_MAX, parseText } from '../registry/plain-text.ts';
import type { TaskIntent, TaskRecord } from '../store/tasks.ts';

/** As it came over the wire. */
export interface AskedTask {
  /** SPIFFE ID; empty where the caller has one identity that can be lent. */
  readonly identity: string;
  /** Empty for none. */
  readonly parent: string;
  /** Under which it begins without asking anybody; empty for none. */
  readonly grant: string;
  readonly purpose: string;
  /** `target:action`, or `target:action=resource`. */
  readonly intents: readonly string[];
  /** 0 for the default. */
  readonly ttlMs: number;
}

export interface TaskRequest extends Omit<AskedTask, 'intents'> {
  readonly intents: readonly TaskIntent[];
}

export interface TaskTerms {
  readonly defaultTtlMs: number;
  readonly mostTtlMs: number;
}

/** As of a target; an action may have colons within. */
const TARGET = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const ACTION = /^[a-z0-9][a-z0-9._:-]{0,63}$/;
/** Attack B4: each is decided, signed and shown. */
export const MOST_INTENTS = 32;
/** A shorter task is over before its first credential. */
const LEAST_TTL_MS = 10_000;

export function parseTask(asked: AskedTask, terms: TaskTerms): TaskRequest {
  const { identity, parent, grant } = asked;
  const ttlMs = asked.ttlMs === 0 ? terms.defaultTtlMs : asked.ttlMs;
  // guard: I5 test/tasks/request.test.ts
  if (!Number.isSafeInteger(ttlMs) || ttlMs < LEAST_TTL_MS || ttlMs > terms.mostTtlMs)
    throw new Failure('invalid-argument', 'TASK_TTL_INVALID', `ttl ${formatDuration(ttlMs)} is refused`, {
      field: 'ttl',
      value: formatDuration(ttlMs),
      hint: `use ${formatDuration(LEAST_TTL_MS)} to ${formatDuration(terms.mostTtlMs)} (tasks.max_ttl)`,
    });
  return {
    identity,
    parent,
    grant,
    purpose: parseText(asked.purpose, 'purpose', FREE_TEXT_MAX),
    intents: parseIntents(asked.intents),
    ttlMs,
  };
}

export function parseIntents(texts: readonly string[]): readonly TaskIntent[] {
  // guard: I9 test/tasks/request.test.ts
  if (texts.length === 0 || texts.length > MOST_INTENTS)
    throw unfit(`${texts.length} of them`, `declare 1 to ${MOST_INTENTS}`);
  const parsed = new Map(texts.map((text) => [text, parseIntent(text)] as const));
  return [...parsed.values()].sort((a, b) => (intentText(a) < intentText(b) ? -1 : 1));
}

function parseIntent(text: string): TaskIntent {
  const [name, resource] = split(text, '=');
  const [target, action] = split(name, ':');
  // guard: C4 test/tasks/request.test.ts
  if (!TARGET.test(target) || action === undefined || !ACTION.test(action))
    throw unfit(quote(text), 'write target:action, or target:action=resource');
  return {
    target,
    action,
    resource: resource === undefined ? null : parseText(resource, 'intent', FREE_TEXT_MAX),
  };
}

/** At the first. */
function split(text: string, at: string): [string, string | undefined] {
  const place = text.indexOf(at);
  return place < 0 ? [text, undefined] : [text.slice(0, place), text.slice(place + 1)];
}

/** As it is written; what tokens have as `scope` is this without the resource. */
export function intentText({ target, action, resource }: TaskIntent): string {
  return `${target}:${action}${resource === null ? '' : `=${resource}`}`;
}

/** Each of a child's is one of its parent's: the same, or a narrower one on one thing. */
export function isWithin(child: readonly TaskIntent[], parent: readonly TaskIntent[]): boolean {
  return child.every((one) =>
    parent.some(
      ({ target, action, resource }) =>
        target === one.target && action === one.action && (resource === null || resource === one.resource),
    ),
  );
}

/**
 * SHA-256, hex, over what was asked for and by whom: the same process that asks for the same again has the same task, and
 * what people approve is this and nothing else (attack C4).
 */
export function digestOf(
  task: Pick<
    TaskRecord,
    'identity' | 'parent' | 'grant' | 'purpose' | 'intents' | 'pid' | 'uid' | 'startTime' | 'attested'
  >,
  ttlMs: number,
): string {
  const { identity, parent, grant, purpose, intents, pid, uid, startTime, attested } = task;
  const said = { identity, parent, grant, purpose, intents: intents.map(intentText), ttl_ms: ttlMs };
  const process = { pid, uid, start_time: startTime, attested };
  return createHash('sha256')
    .update(canonicalJson({ ...said, process }))
    .digest('hex');
}

function unfit(what: string, hint: string): Failure {
  return new Failure('invalid-argument', 'INTENT_INVALID', `intents: ${what} is refused`, {
    field: 'intents',
    value: what,
    hint,
  });
}
