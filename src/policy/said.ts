// SPDX-License-Identifier: Apache-2.0
/**
 * A request as people write it, in a file of tests or for `assay why`: what is left out has a default that is named, what is not
 * known is refused with its place. Pure.
 */
import { Failure, quote } from '../lib/failure.ts';
import type { PolicyContext, PolicyPrincipal, PolicyRequest, PolicyTarget } from './contract.ts';

/** How `principal` and `target` are found where they are only named. */
export interface Names {
  readonly principal: (name: string) => PolicyPrincipal | undefined;
  readonly target: (name: string) => PolicyTarget | undefined;
}

export interface SaidRequest {
  readonly request: PolicyRequest;
  /** What was not said and taken for granted, as `name: value`. */
  readonly assumed: readonly string[];
}

const ACTIONS = ['begin', 'issue', 'use'] as const;
const KINDS = ['service', 'job', 'bot', 'agent', 'legacy'] as const;
const STATES = ['draft', 'active', 'suspended', 'retired'] as const;
const TASK_STATES = ['requested', 'pending', 'active', 'ended', 'denied'] as const;
const RELATIONS = ['other', 'same', 'unknown'] as const;
const SECRETS = ['found', 'none-seen', 'unreadable'] as const;
const DAY_MS = 86_400_000;
const MOST = 1_024;
/** Each is decided by itself. */
const MOST_INTENTS = 32;

/** `now`: milliseconds UTC, where the request names no time. Throws Failure('invalid-argument', 'POLICY_REQUEST_INVALID'). */
export function readRequest(said: unknown, names: Names, now: number, place = 'request'): SaidRequest {
  const assumed: string[] = [];
  const fields = new Fields(said, place, assumed);
  const at = fields.time('at', now);
  const principal = fields.named('principal', names.principal, (value, where) => readPrincipal(value, where, at));
  const target = fields.named('target', names.target, (value, where) => readTarget(value, where, at));
  const action = fields.word('action', ACTIONS, 'begin');
  const intents = fields.texts('intents', [], MOST_INTENTS);
  const task = action === 'begin' ? undefined : readTask(fields, principal, intents);
  const context: PolicyContext = {
    at,
    intents,
    purpose: fields.text('purpose', ''),
    depth: fields.count('depth', 0),
    deadlineSeconds: fields.count('seconds', 300),
    attested: readAttested(fields),
    approvals: readApprovals(fields),
    findings: fields.texts('findings', []),
    uidRelation: fields.word('uid_relation', RELATIONS, 'unknown'),
    ...(task === undefined ? {} : { task }),
  };
  fields.end();
  return { request: { principal, action, target, context }, assumed };
}

/** Milliseconds UTC of what is expected to last. */
export function readPrincipal(said: unknown, place: string, at: number): PolicyPrincipal {
  const fields = new Fields(said, place);
  const principal = {
    spiffeId: fields.text('spiffe_id'),
    kind: fields.word('kind', KINDS, 'agent'),
    owner: fields.text('owner', 'human:owner'),
    environment: fields.text('env'),
    labels: fields.map('labels'),
    state: fields.word('state', STATES, 'active'),
    expiresAt: fields.time('expires', at + DAY_MS),
  };
  fields.end();
  return principal;
}

export function readTarget(said: unknown, place: string, at: number): PolicyTarget {
  const fields = new Fields(said, place);
  const reviewBy = fields.time('review_by', Number.NaN);
  const target = {
    name: fields.text('name'),
    owner: fields.text('owner', 'human:owner'),
    environment: fields.text('env'),
    impact: fields.word('impact', ['low', 'high'] as const),
    intents: fields.texts('intents'),
    thirdParty: fields.flag('third_party', false),
    reviewBy: Number.isNaN(reviewBy) ? null : reviewBy,
    expiresAt: fields.time('expires', at + DAY_MS),
    retired: fields.flag('retired', false),
  };
  fields.end();
  return target;
}

/** Unless `task` is null: one of its own that is active and declared what is asked. */
function readTask(all: Fields, principal: PolicyPrincipal, intents: readonly string[]): PolicyContext['task'] {
  const { spiffeId: identity } = principal;
  const said = all.take('task');
  if (said === null) return undefined;
  const fields = new Fields(said ?? {}, all.at('task'));
  if (said === undefined) all.assume('task', 'an active one of its own that declared these intents');
  const task = {
    id: fields.text('id', 'task'),
    identity: fields.text('identity', identity),
    state: fields.word('state', TASK_STATES, 'active'),
    intents: fields.texts('intents', intents),
  };
  fields.end();
  return task;
}

function readAttested(all: Fields): PolicyContext['attested'] {
  const said = all.take('attested');
  if (said === undefined) all.assume('attested', 'no selectors, and no secret seen');
  const fields = new Fields(said ?? {}, all.at('attested'));
  const attested = {
    selectors: fields.texts('selectors', []),
    claimed: fields.texts('claimed', []),
    secrets: fields.word('secrets', SECRETS, 'none-seen'),
  };
  fields.end();
  return attested;
}

function readApprovals(all: Fields): PolicyContext['approvals'] {
  const said = all.take('approvals') ?? [];
  // guard: I9 test/policy/said.test.ts
  if (!Array.isArray(said) || said.length > MOST) throw all.refusal('approvals', said, `a list of at most ${MOST}`);
  return said.map((one, index) => {
    const fields = new Fields(one, `${all.at('approvals')}[${index}]`);
    const human = fields.text('human');
    const strength = STRENGTHS.get(fields.word('strength', ['key', 'touch', 'verified'] as const)) ?? 1;
    const uid = fields.word('uid', RELATIONS, 'unknown');
    fields.end();
    return { human, strength, uid };
  });
}

export const STRENGTHS: ReadonlyMap<string, 1 | 2 | 3> = new Map([
  ['key', 1],
  ['touch', 2],
  ['verified', 3],
]);

/** The members of an object from outside, each taken once, none left over. */
export class Fields {
  readonly #left: Map<string, unknown>;
  readonly #place: string;
  readonly #assumed: string[] | undefined;

  constructor(said: unknown, place: string, assumed?: string[]) {
    if (typeof said !== 'object' || said === null || Array.isArray(said))
      throw refusal(place, said, 'names with values');
    // guard: B7 test/policy/said.test.ts
    this.#left = new Map(Object.entries(said));
    this.#place = place;
    this.#assumed = assumed;
  }

  at(name: string): string {
    return `${this.#place}.${name}`;
  }

  take(name: string): unknown {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  assume(name: string, text: string): void {
    this.#assumed?.push(`${name}: ${text}`);
  }

  text(name: string, otherwise?: string): string {
    const value = this.#or(name, otherwise);
    if (typeof value === 'string') return value;
    throw this.refusal(name, value, 'text');
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#or(name, otherwise);
    if (typeof value === 'boolean') return value;
    throw this.refusal(name, value, 'true or false');
  }

  count(name: string, otherwise: number): number {
    const value = this.#or(name, otherwise);
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    throw this.refusal(name, value, 'a whole number');
  }

  time(name: string, otherwise: number): number {
    const value = this.take(name);
    if (value === undefined) return otherwise;
    const at =
      value instanceof Date
        ? value.getTime()
        : typeof value === 'string' && ISO.test(value)
          ? Date.parse(value)
          : Number.NaN;
    if (!Number.isNaN(at)) return at;
    throw this.refusal(name, value, 'a time like 2027-01-31T12:00:00Z');
  }

  texts(name: string, otherwise?: readonly string[], most = MOST): readonly string[] {
    const value = this.#or(name, otherwise);
    // guard: I9 test/policy/said.test.ts
    if (Array.isArray(value) && value.length <= most && value.every((one) => typeof one === 'string')) return value;
    throw this.refusal(name, value, `a list of at most ${most} texts`);
  }

  map(name: string): ReadonlyMap<string, string> {
    const value = this.take(name) ?? {};
    const entries = typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [['', undefined]];
    if (entries.every(([, one]) => typeof one === 'string')) return new Map(entries as [string, string][]);
    throw this.refusal(name, value, 'names with texts');
  }

  word<W extends string>(name: string, words: readonly W[], otherwise?: W): W {
    const value = this.#or(name, otherwise);
    const word = words.find((one) => one === value);
    if (word !== undefined) return word;
    throw this.refusal(name, value, `one of ${words.join(', ')}`);
  }

  named<T>(name: string, byName: (text: string) => T | undefined, read: (value: unknown, place: string) => T): T {
    const value = this.take(name);
    if (typeof value !== 'string') return read(value, this.at(name));
    const found = byName(value);
    if (found !== undefined) return found;
    throw this.refusal(name, value, `the name of a ${name} that is known`);
  }

  /** A misspelt name would otherwise be a default. */
  end(): void {
    const [name] = this.#left.keys();
    // guard: C1 test/policy/said.test.ts
    if (name !== undefined)
      throw refusal(this.at(name), this.#left.get(name), 'no member of it: there is none of that name');
  }

  refusal(name: string, value: unknown, wanted: string): Failure {
    return refusal(this.at(name), value, wanted);
  }

  #or<T>(name: string, otherwise: T | undefined): unknown {
    const value = this.take(name);
    if (value !== undefined || otherwise === undefined) return value;
    if (typeof otherwise !== 'object') this.assume(name, String(otherwise));
    return otherwise;
  }
}

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z$/;

function refusal(place: string, value: unknown, wanted: string): Failure {
  const shown = value === undefined ? 'nothing' : quote(typeof value === 'string' ? value : JSON.stringify(value));
  return new Failure(
    'invalid-argument',
    'POLICY_REQUEST_INVALID',
    `${place}: ${shown} is refused: ${wanted} is needed`,
    {
      field: place,
      value: shown,
      hint: 'docs/policy.md has each name with an example',
    },
  );
}
