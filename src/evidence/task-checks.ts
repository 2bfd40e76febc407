// SPDX-License-Identifier: Apache-2.0
/** What became of the task, step by step: nothing of what it is changes, no step is missing, and none follows its end. */
import { parseJsonText } from '../lib/json-text.ts';
import type { TaskIntent } from '../store/tasks.ts';
import { digestOf, intentText } from '../tasks/request.ts';
import { type Row, unfit } from './row.ts';
import type { Verdict } from './verdict.ts';

export interface TaskStep {
  readonly seq: number;
  readonly at: number;
  readonly actor: string;
  readonly state: string;
  readonly end: string | null;
  readonly reason: string | null;
  readonly policyHash: string;
}

export interface ProvenTask {
  readonly id: string;
  readonly identity: string;
  readonly parent: string | null;
  /** Under which it began without asking anybody. */
  readonly grant: string | null;
  readonly root: string;
  readonly depth: number;
  readonly purpose: string;
  /** As they are written, sorted. */
  readonly intents: readonly string[];
  readonly declared: readonly TaskIntent[];
  readonly deadline: number;
  readonly createdAt: number;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly startTime: string;
  /** What was found out of the process. */
  readonly selectors: readonly string[];
  readonly claimed: readonly string[];
  readonly secrets: string;
  readonly digest: string;
  readonly steps: readonly TaskStep[];
}

const SAME = [
  ...['id', 'identity', 'parent', 'grant', 'root', 'depth', 'purpose', 'intents', 'deadline', 'pid', 'uid', 'gid'],
  ...['start_time', 'attested', 'digest', 'created_at'],
];
const FOLLOWS: ReadonlyMap<string, readonly string[]> = new Map([
  ['', ['pending', 'active', 'denied']],
  ['pending', ['active', 'denied']],
  ['active', ['ended']],
]);

/** Undefined where nothing says that there was such a task. */
export function checkTask(id: string, rows: readonly Row[], verdict: Verdict): ProvenTask | undefined {
  const [first] = rows;
  if (!verdict.require(first !== undefined, `task ${id}: nothing in the file says that there was one`))
    return undefined;
  let before = '';
  for (const [at, row] of rows.entries()) {
    checkStep(id, first as Row, row, at, before, verdict);
    before = row.text('state');
  }
  return provenOf(first as Row, rows, verdict);
}

function checkStep(id: string, first: Row, row: Row, at: number, before: string, verdict: Verdict): void {
  const { event } = row;
  const name = `event ${event.seq} (${event.kind})`;
  const state = row.text('state');
  const isAsHeaded = row.text('id') === id && row.text('identity') === event.identity && `task.${state}` === event.kind;
  // guard: C4 test/evidence/checks.test.ts
  verdict.require(isAsHeaded && row.whole('state_since') === event.at, `${name}: it does not say what it is called`);
  const changed = row.differences(first, SAME);
  // guard: C4 test/evidence/checks.test.ts
  verdict.require(changed.length === 0, `${name}: something is not as the task began: ${changed.join(', ')}`);
  // guard: I3 test/evidence/checks.test.ts — a step that was left out
  verdict.require(row.whole('revision') === at + 1, `${name}: a step before it is not in the file`);
  // guard: I7 test/evidence/checks.test.ts
  verdict.require(
    FOLLOWS.get(before)?.includes(state) === true,
    `${name}: ${state} does not follow ${before || 'nothing'}`,
  );
}

function provenOf(row: Row, rows: readonly Row[], verdict: Verdict): ProvenTask {
  const attested = row.inner('attested');
  const intents = intentsOf(row);
  const said = {
    identity: row.text('identity'),
    parent: row.textOrNull('parent'),
    grant: row.textOrNull('grant'),
    purpose: row.text('purpose'),
    ...{ pid: row.whole('pid'), uid: row.whole('uid'), startTime: row.text('start_time') },
  };
  const [deadline, createdAt, digest] = [row.whole('deadline'), row.whole('created_at'), row.text('digest')];
  const isDigest = digestOf({ ...said, intents, attested: row.text('attested') }, deadline - createdAt) === digest;
  // The time that was asked for is not kept where it was cut.
  if (!isDigest)
    verdict.remark(
      `the digest ${digest} cannot be made again: the deadline is sooner than was asked for, by the end of its identity or its parent`,
    );
  return {
    ...said,
    ...{ id: row.text('id'), root: row.text('root'), depth: row.whole('depth'), gid: row.whole('gid') },
    intents: intents.map(intentText).sort(),
    declared: intents,
    ...{ deadline, createdAt, digest },
    selectors: attested.texts('selectors'),
    claimed: attested.texts('claimed'),
    secrets: attested.text('secrets'),
    steps: rows.map(stepOf),
  };
}

function stepOf(row: Row): TaskStep {
  const { seq, at, actor } = row.event;
  return {
    ...{ seq, at, actor },
    state: row.text('state'),
    end: row.textOrNull('end'),
    reason: row.textOrNull('end_reason'),
    policyHash: row.text('policy_hash'),
  };
}

/** Triples of target, action and resource. */
export function intentsOf(row: Row): readonly TaskIntent[] {
  const json = parseJsonText(row.text('intents'), 'intents');
  const intents = Array.isArray(json) ? json : [];
  return intents.map((one): TaskIntent => {
    const [target, action, resource] = Array.isArray(one) ? one : [];
    if (typeof target !== 'string' || typeof action !== 'string' || (resource !== null && typeof resource !== 'string'))
      throw unfit(row.event, 'intents are no list of target, action and resource');
    return { target, action, resource };
  });
}
