// SPDX-License-Identifier: Apache-2.0
/** A request in the words of the schema. Pure. */
import { Failure } from '../lib/failure.ts';
import type { EntityJson } from './cedar.ts';
import type { ApprovalStrength, ApproverRequest, PolicyRequest } from './contract.ts';

interface Uid {
  readonly type: string;
  readonly id: string;
}

export interface CedarRequest {
  principal: Uid;
  action: Uid;
  resource: Uid;
  context: Record<string, CedarValue>;
  entities: EntityJson[];
}

export type CedarValue = boolean | number | string | CedarValue[] | { [name: string]: CedarValue };

/** How many different people have approved with at least that. */
export interface Counts {
  readonly key: number;
  readonly touch: number;
  readonly verified: number;
}

/** `other`: those of them whose uid is not the agent's. */
export interface Approvals extends Counts {
  readonly other: Counts;
}

/** More say no more: a policy that asks for four is never met, and no approval counted above it turns a decision. */
export const MOST_APPROVALS = 3;
/** Of each list in a request, and of each text. */
const LIST_MAX = 1_024;
const TEXT_MAX = 8_192;

/** All that `requestOf` needs but what changes from one evaluation to the next. Throws a Failure for what no request may hold. */
export function prepare({ principal, action, target, context }: PolicyRequest): Prepared {
  const { attested, task } = context;
  const facts = {
    now: time(context.at),
    intents: texts(context.intents),
    purpose: text(context.purpose),
    depth: context.depth,
    seconds: context.deadlineSeconds,
    attested: {
      selectors: texts(attested.selectors),
      claimed: texts(attested.claimed),
      secrets: attested.secrets,
    },
    findings: texts(context.findings),
    ...(task === undefined ? {} : { task: lent(task) }),
  };
  return {
    principal: { type: 'Identity', id: text(principal.spiffeId) },
    action: { type: 'Action', id: action },
    resource: { type: 'Target', id: text(target.name) },
    facts,
    entities: [identity(principal), targetEntity(target)],
  };
}

export interface Prepared extends Omit<CedarRequest, 'context'> {
  readonly facts: Record<string, CedarValue>;
}

export function requestOf({ facts, ...rest }: Prepared, intent: string, { other, ...all }: Approvals): CedarRequest {
  return { ...rest, context: { ...facts, intent: text(intent), approvals: { ...all, other: { ...other } } } };
}

/** One human is one vote, with the strongest of theirs and the worst of what is known of their uid (attack C2). */
export function countApprovals(approvals: PolicyRequest['context']['approvals']): Approvals {
  const votes = new Map<string, { readonly strength: ApprovalStrength; readonly other: boolean }>();
  for (const { human, strength, uid } of approvals) {
    const before = votes.get(human);
    let other = true;
    // guard: C2 test/policy/request.test.ts — what is not known counts as the agent's own
    if (uid !== 'other' || before?.other === false) other = false;
    votes.set(human, {
      strength: before !== undefined && before.strength > strength ? before.strength : strength,
      other,
    });
  }
  const all = [...votes.values()];
  return { ...counts(all), other: counts(all.filter((vote) => vote.other)) };
}

function counts(votes: readonly { readonly strength: ApprovalStrength }[]): Counts {
  const atLeast = (least: ApprovalStrength): number => {
    let count = 0;
    for (const { strength } of votes) {
      // guard: C3 test/policy/request.test.ts
      if (strength < least) continue;
      count += 1;
    }
    return Math.min(MOST_APPROVALS, count);
  };
  return { key: atLeast(1), touch: atLeast(2), verified: atLeast(3) };
}

export function approverRequest({ human, subject, at, strength, uid }: ApproverRequest): CedarRequest {
  const principal = { type: 'Human', id: text(human.name) };
  const resource = { type: subject.kind === 'task' ? 'Task' : 'Grant', id: text(subject.id) };
  const teams = texts(human.teams);
  const names = [`human:${human.name}`, ...teams.map((team) => `team:${team}`)];
  return {
    principal,
    action: { type: 'Action', id: 'approve' },
    resource,
    context: { now: time(at), strength, otherUid: uid === 'other' },
    entities: [
      { uid: principal, attrs: { active: human.active, names }, parents: teams.map((id) => ({ type: 'Team', id })) },
      { uid: resource, attrs: { owner: text(subject.owner) }, parents: [] },
    ],
  };
}

function identity({
  spiffeId,
  kind,
  environment,
  state,
  owner,
  expiresAt,
  labels,
}: PolicyRequest['principal']): EntityJson {
  // guard: B7 test/policy/request.test.ts — a label may be called __proto__
  const tags = Object.assign(Object.create(null), Object.fromEntries(bounded([...labels]))) as Record<string, string>;
  for (const [key, value] of labels) void [text(key), text(value)];
  return {
    uid: { type: 'Identity', id: spiffeId },
    attrs: { kind, env: text(environment), state, owner: text(owner), expires: time(expiresAt) },
    tags,
    parents: [],
  };
}

function targetEntity(target: PolicyRequest['target']): EntityJson {
  return {
    uid: { type: 'Target', id: target.name },
    attrs: {
      env: text(target.environment),
      impact: target.impact,
      owner: text(target.owner),
      intents: texts(target.intents),
      thirdParty: target.thirdParty,
      ...(target.reviewBy === null ? {} : { reviewBy: time(target.reviewBy) }),
      expires: time(target.expiresAt),
      retired: target.retired,
    },
    parents: [],
  };
}

function lent({ id, identity, state, intents }: NonNullable<PolicyRequest['context']['task']>): CedarValue {
  return {
    id: text(id),
    identity: { __entity: { type: 'Identity', id: text(identity) } },
    state,
    intents: texts(intents),
  };
}

/** Cedar's datetime has milliseconds; years of five digits have no text. */
function time(at: number): CedarValue {
  return { __extn: { fn: 'datetime', arg: new Date(at).toISOString() } };
}

function texts(list: readonly string[]): string[] {
  return bounded(list).map(text);
}

function bounded<T>(list: readonly T[]): readonly T[] {
  // guard: I9 test/policy/request.test.ts
  if (list.length > LIST_MAX) throw unfit(`a list of ${list.length}, at most ${LIST_MAX} are allowed`);
  return list;
}

/** A lone surrogate would arrive as U+FFFD, and two texts as the same. */
function text(value: string): string {
  // guard: B7 test/policy/request.test.ts
  if (!value.isWellFormed()) throw unfit('text with a lone surrogate');
  // guard: I9 test/policy/request.test.ts
  if (value.length > TEXT_MAX) throw unfit(`text of ${value.length} characters, at most ${TEXT_MAX} are allowed`);
  return value;
}

function unfit(what: string): Failure {
  return new Failure('invalid-argument', 'POLICY_REQUEST_INVALID', `the request holds ${what}`);
}
