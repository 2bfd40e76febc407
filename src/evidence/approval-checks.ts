// SPDX-License-Identifier: Apache-2.0
/** What people were asked and what they signed: each signature over its statement, each statement over the task as it was, in time. */
import type { ApprovalRequest } from '../approvals/request.ts';
import { parseRequest, requestDigest, requestText } from '../approvals/statement.ts';
import type { UidRelation } from '../approvals/uid-relation.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { parseJsonText } from '../lib/json-text.ts';
import { checkOutcome } from './outcome-checks.ts';
import type { Row } from './row.ts';
import type { SortedEvents } from './sorted.ts';
import { checkTakenBack, endOfVotes } from './taken-back-checks.ts';
import type { ProvenTask } from './task-checks.ts';
import type { Verdict } from './verdict.ts';
import { checkVote, type KnownKeys, type ProvenVote } from './vote-checks.ts';

export interface ProvenApproval {
  readonly request: ApprovalRequest;
  readonly digest: string;
  readonly askedAt: number;
  readonly state: string;
  readonly reason: string | null;
  readonly votes: readonly ProvenVote[];
  /** The event of the first question. */
  readonly opened: Row;
  /** The event by which it was approved; infinity where none did. */
  readonly approvedIn: number;
  /** Of those that counted, how the agent's uid stands to them by the uids on their records. */
  readonly counted: readonly { readonly human: string; readonly uid: UidRelation }[];
}

const SAME = [
  ...['id', 'kind', 'task', 'identity', 'request', 'digest', 'agent', 'uid', 'quorum', 'strength'],
  ...['created_at', 'not_after'],
];
const BY_VOTE: ReadonlySet<string> = new Set(['voted', 'approved', 'rejected']);

/** What people were asked about. `odd`: names of the fields in which a request is not that; the row is that of its first event. */
export interface AskedAbout {
  readonly what: 'the task' | 'the grant';
  odd(request: ApprovalRequest, row: Row): readonly string[];
  /** Of the task, which an approval that is taken back later ends; none of a grant, which gives no task after that. */
  readonly steps: ProvenTask['steps'];
}

/** `origin`: of the log. Undefined where nobody was asked. */
export function checkApproval(
  task: ProvenTask,
  { approval: rows, humans }: Pick<SortedEvents, 'approval' | 'humans'>,
  origin: string,
  known: KnownKeys,
  verdict: Verdict,
): ProvenApproval | undefined {
  const waited = task.steps.find(({ state }) => state === 'pending');
  const began = task.steps.find(({ state }) => state === 'active');
  const odd: AskedAbout['odd'] = (request, row) => oddFields(request, task, row, origin);
  const about: AskedAbout = { what: 'the task', odd, steps: task.steps };
  const approval = checkAsked(about, { rows, humans }, known, verdict);
  // guard: C1 test/evidence/approvals.test.ts
  verdict.require(
    approval !== undefined || waited === undefined || began === undefined,
    'the task waited for people, and nobody was asked',
  );
  // guard: C1 test/evidence/approvals.test.ts
  verdict.require(
    approval === undefined || began === undefined || approval.approvedIn < began.seq,
    'the task began, and people had not approved it',
  );
  return approval;
}

/** Undefined where nobody was asked. */
export function checkAsked(
  about: AskedAbout,
  { rows, humans }: { readonly rows: readonly Row[]; readonly humans: readonly Row[] },
  known: KnownKeys,
  verdict: Verdict,
): ProvenApproval | undefined {
  const asked = rows.filter(({ event }) => event.kind.startsWith('approval.'));
  const cast = rows.filter(({ event }) => event.kind.startsWith('vote.'));
  const [first] = asked;
  if (first === undefined) {
    verdict.require(cast.length === 0, 'somebody voted on what nobody was asked');
    return undefined;
  }
  checkSteps(asked, cast, verdict);
  const request = requestIn(first, about, verdict);
  const votes = cast.map((row) => checkVote(row, request, humans, known, verdict));
  const last = asked.at(-1) as Row;
  checkTakenBack(votes, asked, about, verdict);
  const counted = checkOutcome(first, asked, votes, humans, request, verdict);
  const approved = asked.find(({ event }) => event.kind === 'approval.approved');
  return {
    ...{ request, votes, counted, digest: first.text('digest'), askedAt: first.event.at, opened: first },
    approvedIn: approved?.event.seq ?? Number.POSITIVE_INFINITY,
    ...{ state: last.text('state'), reason: last.textOrNull('state_reason') },
  };
}

/** None left out, none after the end, each vote right before what it came to. */
function checkSteps(asked: readonly Row[], cast: readonly Row[], verdict: Verdict): void {
  const over = endOfVotes(asked);
  // What is taken back later changes nothing of what people were asked.
  const came = cast.filter(({ event: { seq, kind } }) => kind !== 'vote.withdraw' || seq < over);
  const voteAt = new Set(came.map(({ event }) => event.seq));
  for (const [at, row] of asked.entries()) {
    const { seq, kind } = row.event;
    const name = `event ${seq} (${kind})`;
    const step = kind.slice('approval.'.length);
    const state = row.text('state');
    // guard: C4 test/evidence/approvals.test.ts
    verdict.require(
      state === (step === 'open' || step === 'voted' ? 'pending' : step) && (step === 'open') === (at === 0),
      `${name}: it does not say what it is called`,
    );
    const changed = row.differences(asked[0] as Row, SAME);
    // guard: C4 test/evidence/approvals.test.ts
    verdict.require(changed.length === 0, `${name}: something is not as people were asked: ${changed.join(', ')}`);
    // guard: I3 test/evidence/approvals.test.ts — a step that was left out
    verdict.require(row.whole('revision') === at + 1, `${name}: a step before it is not in the file`);
    const isLast = at === asked.length - 1;
    // guard: C4 test/evidence/approvals.test.ts
    verdict.require(isLast || state === 'pending', `${name}: something follows what was decided`);
    // guard: I3 test/evidence/approvals.test.ts — a vote that was left out
    verdict.require(
      !BY_VOTE.has(step) || voteAt.delete(seq - 1),
      `${name}: the vote that it came of is not in the file`,
    );
  }
  // guard: I3 test/evidence/approvals.test.ts
  verdict.require(voteAt.size === 0, `events ${[...voteAt].join(', ')}: votes that came to nothing`);
}

/** What people were shown, held against the task or grant as it is in the log (attack C4). Throws what `parseRequest` throws. */
function requestIn(row: Row, about: AskedAbout, verdict: Verdict): ApprovalRequest {
  const text = row.text('request');
  const request = parseRequest(parseJsonText(text, 'request'));
  // guard: C4 test/evidence/approvals.test.ts
  verdict.require(
    requestText(request) === text && requestDigest(request) === row.text('digest'),
    `event ${row.event.seq}: the digest is not that of what people were asked`,
  );
  const odd = about.odd(request, row);
  // guard: C4 test/evidence/approvals.test.ts
  verdict.require(odd.length === 0, `what people were asked is not ${about.what}: ${odd.join(', ')}`);
  return request;
}

function oddFields(request: ApprovalRequest, task: ProvenTask, row: Row, origin: string): readonly string[] {
  const { claimed, selectors } = task;
  const isClaimed = (prefix: string, value: string | null): boolean =>
    value === null || claimed.includes(`${prefix}${value}`);
  const intents = request.targets.flatMap((target) => target.intents).sort();
  const waited = task.steps.find(({ state }) => state === 'pending');
  const asIs: readonly (readonly [field: string, isSo: boolean])[] = [
    ['kind', request.kind === 'task' && row.text('kind') === 'task'],
    ['id', request.id === task.id],
    ['identity', request.identity === task.identity && row.text('identity') === task.identity],
    ['intents', same(intents, task.intents)],
    ['purpose', request.purpose === task.purpose],
    ['deadline', request.deadline === task.deadline],
    ['parent', request.parent === task.parent],
    ['uid', request.uid === task.uid],
    ['pid', request.pid === task.pid],
    ['started', String(request.started) === task.startTime],
    ['selectors', same(request.selectors, [...new Set(selectors)].sort())],
    ['executable', isClaimed('unix:path:', request.executable)],
    ['sha256', isClaimed('unix:sha256:', request.sha256)],
    ['secrets', request.secrets === task.secrets],
    ['policy_hash', request.policyHash === waited?.policyHash],
    ['need_count', request.needCount === row.whole('quorum')],
    ['need_strength', request.needStrength === row.whole('strength')],
    ['not_after', request.notAfter === row.whole('not_after')],
    ['trust_domain', request.trustDomain === SpiffeId.parse(task.identity).trustDomain.name],
    ['log', request.log === origin],
  ];
  return asIs.filter(([, isSo]) => !isSo).map(([field]) => field);
}

export function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, at) => text === other[at]);
}
