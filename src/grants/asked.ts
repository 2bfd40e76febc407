// SPDX-License-Identifier: Apache-2.0
/** What somebody asks a grant for, checked. Pure. */
import { SpiffeId } from '../identity/spiffe-id.ts';
import { FREE_TEXT_MAX, parseText } from '../registry/plain-text.ts';
import type { GrantRecord } from '../store/grants.ts';
import { parseIntents } from '../tasks/request.ts';
import { unfitGrant } from './refusals.ts';

/** As it came over the wire; 0 for what is not said. Times are milliseconds. */
export interface AskedGrant {
  readonly identity: string;
  readonly intents: readonly string[];
  readonly purpose: string;
  /** UTC; since now unless told. */
  readonly from: number;
  readonly forMs: number;
  readonly maxTaskTtlMs: number;
  readonly maxTasks: number;
  readonly breakGlass?: boolean;
}

export type GrantTerms = Pick<
  GrantRecord,
  'identity' | 'intents' | 'purpose' | 'windowFrom' | 'windowTo' | 'maxTaskTtlMs' | 'maxTasks' | 'breakGlass'
>;

/** A standing right is none that somebody thinks about each time: 30 days at most, and so far ahead. */
export const LONGEST_WINDOW_MS = 30 * 86_400_000;
/** An emergency is over by then, or it is asked for again. */
export const LONGEST_BREAK_GLASS_MS = 3_600_000;
const LEAST_MS = 60_000;
const MOST_TASKS = 10_000;
const TASKS_UNLESS_TOLD = 10;

/** Throws ('invalid-argument', 'GRANT_INVALID'), and what `parseIntents` throws. */
export function parseGrant(
  asked: AskedGrant,
  terms: { readonly defaultTtlMs: number; readonly mostTtlMs: number },
  now: number,
): GrantTerms {
  const windowFrom = asked.from === 0 ? now : asked.from;
  const maxTaskTtlMs = asked.maxTaskTtlMs === 0 ? terms.defaultTtlMs : asked.maxTaskTtlMs;
  const maxTasks = asked.maxTasks === 0 ? TASKS_UNLESS_TOLD : asked.maxTasks;
  const { breakGlass = false } = asked;
  requireWhole('for', asked.forMs, LEAST_MS, breakGlass ? LONGEST_BREAK_GLASS_MS : LONGEST_WINDOW_MS, 'milliseconds');
  requireWhole(
    'from',
    windowFrom,
    now,
    now + LONGEST_WINDOW_MS,
    'milliseconds UTC: from now on, 30 days ahead at most',
  );
  requireWhole('max-task-ttl', maxTaskTtlMs, LEAST_MS, terms.mostTtlMs, 'milliseconds (tasks.max_ttl)');
  requireWhole('max-tasks', maxTasks, 1, MOST_TASKS, 'tasks');
  return {
    identity: SpiffeId.parseWorkload(asked.identity, 'identity').toString(),
    intents: parseIntents(asked.intents),
    purpose: parseText(asked.purpose, 'purpose', FREE_TEXT_MAX),
    windowFrom,
    windowTo: windowFrom + asked.forMs,
    maxTaskTtlMs,
    maxTasks,
    breakGlass,
  };
}

function requireWhole(field: string, value: number, least: number, most: number, what: string): void {
  // guard: I5 test/grants/grants.test.ts
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw unfitGrant(field, String(value), `it is not from ${least} to ${most}`, `give ${least} to ${most} ${what}`);
}
