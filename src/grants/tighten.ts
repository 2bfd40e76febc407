// SPDX-License-Identifier: Apache-2.0
/** The smallest grant that would have let begin all that was begun and used under one. Pure. */

/** `target:action`, or `target:action=resource`. */
export type IntentText = string;

export interface Granted {
  readonly intents: readonly IntentText[];
  readonly windowMs: number;
  readonly maxTaskTtlMs: number;
  readonly maxTasks: number;
}

export interface RanTask {
  readonly intents: readonly IntentText[];
  /** Milliseconds UTC; `overAt` is now where it still runs. */
  readonly beganAt: number;
  readonly overAt: number;
  /** It was given a credential: without one it could do nothing that a service asked for. */
  readonly used: boolean;
}

export interface TightIntent {
  readonly intent: IntentText;
  /** How many tasks used it. */
  readonly tasks: number;
  /** What is enough instead: itself; less than it; nothing. */
  readonly instead: readonly IntentText[];
}

export interface Tightened extends Granted {
  readonly of: readonly TightIntent[];
  /** It asks for less than the one there is. */
  readonly isLess: boolean;
}

/** With more, a list of them is out of date with the next one. */
const MOST_RESOURCES = 3;
const MINUTE_MS = 60_000;

/** Undefined where nothing was used: the smallest grant is none. */
export function tighten(granted: Granted, tasks: readonly RanTask[]): Tightened | undefined {
  const used = tasks.filter((task) => task.used);
  if (used.length === 0) return undefined;
  const of = granted.intents.map((intent) => tightIntent(intent, used));
  const intents = [...new Set(of.flatMap(({ instead }) => instead))].sort();
  const span = Math.max(...used.map(({ overAt }) => overAt)) - Math.min(...used.map(({ beganAt }) => beganAt));
  const tight = {
    intents,
    windowMs: Math.min(granted.windowMs, minutes(span)),
    maxTaskTtlMs: Math.min(granted.maxTaskTtlMs, minutes(Math.max(...used.map((task) => task.overAt - task.beganAt)))),
    maxTasks: Math.min(granted.maxTasks, used.length),
  };
  const isLess =
    tight.windowMs < granted.windowMs ||
    tight.maxTaskTtlMs < granted.maxTaskTtlMs ||
    tight.maxTasks < granted.maxTasks ||
    of.some(({ intent, instead }) => instead.length !== 1 || instead[0] !== intent);
  return { of, ...tight, isLess };
}

function tightIntent(intent: IntentText, used: readonly RanTask[]): TightIntent {
  const drew = used.map((task) => task.intents.filter((one) => covers(intent, one)));
  const within = [...new Set(drew.flat())].sort();
  const tasks = drew.filter((one) => one.length > 0).length;
  // What is wide among them needs all of it.
  const isWide = within.includes(intent) || within.length > MOST_RESOURCES;
  return { intent, tasks, instead: isWide ? [intent] : within };
}

/** As `isWithin` of tasks: the same, or one thing of it. */
function covers(intent: IntentText, one: IntentText): boolean {
  return one === intent || (!intent.includes('=') && one.startsWith(`${intent}=`));
}

/** Whole ones, as grants are asked for; at least one. */
function minutes(ms: number): number {
  return Math.max(1, Math.ceil(ms / MINUTE_MS)) * MINUTE_MS;
}
