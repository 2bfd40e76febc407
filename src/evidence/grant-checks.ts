// SPDX-License-Identifier: Apache-2.0
/**
 * The grant that a task began under without anybody being asked again: what people signed, that it stood as it drew on it, and that it
 * gives such a task. All of its steps until then are there, numbered: nothing that ended it sooner can be left out.
 */
import { SpiffeId } from '../identity/spiffe-id.ts';
import { BREAK_GLASS } from '../store/grants.ts';
import { intentText, isWithin } from '../tasks/request.ts';
import { type AskedAbout, checkAsked, type ProvenApproval, same } from './approval-checks.ts';
import { countVotes } from './outcome-checks.ts';
import type { Row } from './row.ts';
import type { SortedEvents } from './sorted.ts';
import { intentsOf, type ProvenTask, type TaskStep } from './task-checks.ts';
import type { Verdict } from './verdict.ts';
import type { KnownKeys } from './vote-checks.ts';

/** Times are milliseconds, those of the window UTC. */
export interface ProvenGrant {
  readonly id: string;
  readonly identity: string;
  readonly purpose: string;
  /** As they are written, sorted. */
  readonly intents: readonly string[];
  readonly windowFrom: number;
  readonly windowTo: number;
  readonly maxTaskTtlMs: number;
  readonly maxTasks: number;
  /** Which of its tasks this one is, from 1. */
  readonly use: number;
  readonly breakGlass: boolean;
  readonly requestedBy: string;
  readonly approval: ProvenApproval;
}

type Terms = Omit<ProvenGrant, 'approval' | 'use'>;

const SAME = [
  ...['id', 'identity', 'intents', 'purpose', 'window_from', 'window_to', 'max_task_ttl', 'max_tasks'],
  ...['requested_by', 'digest', 'created_at'],
];
/** The first three, each once; then one for each task. */
const FIRST = ['requested', 'pending', 'active'];
const DRAWN: ReadonlySet<string> = new Set(['grant.used', 'grant.exhausted']);

/** `origin`: of the log. Undefined where it did not begin under one. */
export function checkGrant(
  task: ProvenTask,
  { grant: rows, grantApproval, humans }: Pick<SortedEvents, 'grant' | 'grantApproval' | 'humans'>,
  origin: string,
  known: KnownKeys,
  verdict: Verdict,
): ProvenGrant | undefined {
  const began = task.steps.find(({ state }) => state === 'active');
  const [first] = rows;
  if (task.grant === null || began === undefined) {
    const isNone = rows.length === 0 && grantApproval.length === 0;
    // guard: C4 test/evidence/grants.test.ts
    verdict.require(isNone, 'something of a grant is in the file, and the task did not begin under one');
    return undefined;
  }
  const isThere = first !== undefined;
  // guard: C1 test/evidence/grants.test.ts
  verdict.require(isThere, `the task began under grant ${task.grant}, and nothing of that is in the file`);
  if (!isThere) return undefined;
  for (const [at, row] of rows.entries()) checkStep(first, row, at, verdict);
  const terms = termsOf(first);
  checkDrawn(terms, rows.at(-1) as Row, task, began, verdict);
  const odd: AskedAbout['odd'] = (request, row) => oddFields(request, terms, row, origin);
  const about: AskedAbout = { what: 'the grant', odd, steps: [] };
  const approval = checkAsked(about, { rows: grantApproval, humans }, known, verdict);
  // guard: C1 test/evidence/grants.test.ts
  verdict.require(approval !== undefined, `grant ${terms.id}: nobody was asked`);
  if (approval === undefined) return undefined;
  checkApproved(terms, approval, rows, humans, verdict);
  return { ...terms, use: rows.length - FIRST.length, approval };
}

function checkStep(first: Row, row: Row, at: number, verdict: Verdict): void {
  const { kind, seq, identity, task } = row.event;
  const name = `event ${seq} (${kind})`;
  const step = kind.slice('grant.'.length);
  const use = Math.max(0, at + 1 - FIRST.length);
  const most = first.whole('max_tasks');
  const due = FIRST[at] ?? (use === most ? 'exhausted' : 'used');
  // guard: I7 test/evidence/grants.test.ts — what was over gives nothing
  verdict.require(step === due, `${name}: the grant was not one that a task could still begin under`);
  const isAsCalled = row.text('state') === (step === 'used' ? 'active' : step) && row.text('identity') === identity;
  // guard: C4 test/evidence/grants.test.ts
  verdict.require(isAsCalled && (task !== null) === DRAWN.has(kind), `${name}: it does not say what it is called`);
  // A log may be older than break_glass: not there at all is as null.
  const isKind = row.has('break_glass') === first.has('break_glass');
  const changed = [...row.differences(first, SAME), ...(isKind ? [] : ['break_glass'])];
  // guard: C4 test/evidence/grants.test.ts
  verdict.require(changed.length === 0, `${name}: something is not as the grant was asked for: ${changed.join(', ')}`);
  // guard: I3 test/evidence/grants.test.ts — a step that was left out, such as its end
  verdict.require(row.whole('revision') === at + 1, `${name}: a step before it is not in the file`);
  // guard: I3 test/evidence/grants.test.ts
  verdict.require(row.whole('used') === use && use <= most, `${name}: its tasks are counted otherwise`);
}

function termsOf(row: Row): Terms {
  return {
    ...{ id: row.text('id'), identity: row.text('identity'), purpose: row.text('purpose') },
    intents: intentsOf(row).map(intentText).sort(),
    ...{ windowFrom: row.whole('window_from'), windowTo: row.whole('window_to') },
    ...{ maxTaskTtlMs: row.whole('max_task_ttl'), maxTasks: row.whole('max_tasks') },
    ...{ breakGlass: row.has('break_glass'), requestedBy: row.text('requested_by') },
  };
}

/** The last step is this task's, in the step in which it began, and the grant gives it. */
function checkDrawn(terms: Terms, last: Row, task: ProvenTask, began: TaskStep, verdict: Verdict): void {
  const { seq, kind, task: by } = last.event;
  const isItsOwn = terms.id === task.grant && by === task.id && DRAWN.has(kind) && seq === began.seq - 1;
  // guard: I3 test/evidence/grants.test.ts
  verdict.require(isItsOwn, `grant ${terms.id}: the task did not begin in the step that drew on it`);
  const odd = [
    ['identity', terms.identity === task.identity],
    ['intents', isWithin(task.declared, intentsOf(last))],
    ['window', began.at >= terms.windowFrom && began.at < terms.windowTo && task.deadline <= terms.windowTo],
    ['max_task_ttl', task.deadline - began.at <= terms.maxTaskTtlMs],
  ].filter(([, isSo]) => isSo !== true);
  // guard: C1 test/evidence/grants.test.ts
  verdict.require(odd.length === 0, `grant ${terms.id} does not give such a task: ${odd.map(([what]) => what)}`);
}

function oddFields(request: ProvenApproval['request'], terms: Terms, row: Row, origin: string): readonly string[] {
  const intents = request.targets.flatMap((target) => target.intents).sort();
  const asIs: readonly (readonly [field: string, isSo: boolean])[] = [
    ['kind', request.kind === 'grant' && row.text('kind') === 'grant'],
    ['id', request.id === terms.id && row.text('id') === terms.id],
    ['identity', request.identity === terms.identity && row.text('identity') === terms.identity],
    ['intents', same(intents, terms.intents)],
    ['purpose', request.purpose === terms.purpose],
    ['from', request.from === terms.windowFrom],
    ['deadline', request.deadline === terms.windowTo],
    ['most_tasks', request.mostTasks === terms.maxTasks],
    ['task_seconds', request.taskSeconds === Math.ceil(terms.maxTaskTtlMs / 1_000)],
    ['need_count', request.needCount === row.whole('quorum')],
    ['need_strength', request.needStrength === row.whole('strength')],
    ['not_after', request.notAfter === row.whole('not_after')],
    ['trust_domain', request.trustDomain === SpiffeId.parse(terms.identity).trustDomain.name],
    ['log', request.log === origin],
  ];
  return asIs.filter(([, isSo]) => !isSo).map(([field]) => field);
}

/** Of this very grant, before it was active, and by people who still count as the task begins. */
function checkApproved(
  { id, breakGlass }: Terms,
  approval: ProvenApproval,
  rows: readonly Row[],
  humans: readonly Row[],
  verdict: Verdict,
): void {
  const [first, last] = [rows[0] as Row, rows.at(-1) as Row];
  // guard: C4 test/evidence/grants.test.ts
  verdict.require(
    first.text('digest') === approval.digest,
    `grant ${id}: its digest is not that of what people signed`,
  );
  const active = rows.find(({ event }) => event.kind === 'grant.active');
  const isBefore = active !== undefined && approval.approvedIn < active.event.seq;
  // guard: C1 test/evidence/grants.test.ts
  verdict.require(isBefore, `grant ${id}: it was active, and people had not approved it`);
  const { state } = countVotes(approval, humans, last.event);
  // guard: C2 test/evidence/grants.test.ts — somebody had left, or their key was taken away
  verdict.require(state === 'approved', `grant ${id}: as the task began, the votes did not come to an approval`);
  const { needCount, needStrength } = approval.request;
  const isEnough = needCount >= BREAK_GLASS.people && needStrength >= BREAK_GLASS.strength;
  // guard: C3 test/evidence/grants.test.ts
  verdict.require(!breakGlass || isEnough, `grant ${id}: it is for an emergency, and too few were asked for it`);
}
