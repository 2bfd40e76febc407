// SPDX-License-Identifier: Apache-2.0
/** The tests of a site's policies (`tests.yaml`): requests, and what is expected of each. Pure. */
import { Failure } from '../lib/failure.ts';
import type { ApprovalStrength, PolicyDecision } from './contract.ts';
import { type Deciding, decide } from './decide.ts';
import { Fields, type Names, readPrincipal, readRequest, readTarget, type SaidRequest, STRENGTHS } from './said.ts';

export interface Case extends SaidRequest {
  readonly name: string;
  /** As `outcomeText` writes it. */
  readonly expect: string;
  /** Ids of policies that have to be among those that determined it. */
  readonly by: readonly string[];
}

export interface Tests {
  readonly cases: readonly Case[];
  readonly names: Names;
  /** The time that it is where a request names none, milliseconds UTC. */
  readonly at: number;
}

export interface CaseResult {
  readonly name: string;
  readonly passed: boolean;
  readonly expected: string;
  readonly was: string;
  readonly decision: PolicyDecision;
}

export const MOST_CASES = 10_000;
const EXPECT = /^(allow|deny|approve [123] (key|touch|verified)( other-uid)?)$/;

/** Throws Failure('invalid-argument', 'POLICY_REQUEST_INVALID') that names the place. */
export function readTests(said: unknown, now: number): Tests {
  const fields = new Fields(said ?? {}, 'tests.yaml');
  const at = fields.time('at', now);
  const names: Names = {
    principal: byName(fields, 'principals', (value, _name, place) => readPrincipal(value, place, at)),
    target: byName(fields, 'targets', (value, name, place) => readTarget(withName(value, name), place, at)),
  };
  const tests = fields.take('tests') ?? [];
  // guard: I9 test/policy/cases.test.ts
  if (!Array.isArray(tests) || tests.length > MOST_CASES)
    throw fields.refusal('tests', tests, `a list of at most ${MOST_CASES}`);
  fields.end();
  const cases = tests.map((one: unknown, index) => readCase(one, names, at, `tests[${index}]`));
  return { cases, names, at };
}

export function runCases(set: Deciding, cases: readonly Case[]): readonly CaseResult[] {
  return cases.map(({ name, request, expect, by }) => {
    const decision = decide(set, request);
    const ids = determining(decision);
    const missing = by.filter((id) => !ids.includes(id));
    const outcome = outcomeText(decision);
    const was = missing.length === 0 ? outcome : `${outcome}, without ${missing.join(', ')}`;
    const passed = outcome === expect && missing.length === 0;
    const expected = by.length === 0 ? expect : `${expect}, by ${by.join(', ')}`;
    return { name, passed, expected, was: passed ? outcome : `${was} (${ids.join(', ')})`, decision };
  });
}

/** `allow`, `deny`, `approve 1 touch`, `approve 1 key other-uid`. */
export function outcomeText(decision: PolicyDecision): string {
  if (decision.outcome !== 'approve') return decision.outcome;
  const { count, strength, otherUid } = decision.need;
  return `approve ${count} ${strengthText(strength)}${otherUid ? ' other-uid' : ''}`;
}

export function strengthText(strength: ApprovalStrength): string {
  return [...STRENGTHS].find(([, value]) => value === strength)?.[0] ?? '';
}

function determining(decision: PolicyDecision): readonly string[] {
  const reasons =
    decision.outcome === 'allow' ? decision.by : decision.outcome === 'approve' ? decision.because : decision.reasons;
  return reasons.map(({ policyId }) => policyId);
}

function readCase(said: unknown, names: Names, at: number, place: string): Case {
  const fields = new Fields(said, place);
  const name = fields.text('name');
  const expect = fields.text('expect');
  const by = fields.texts('by', []);
  if (!EXPECT.test(expect)) throw fields.refusal('expect', expect, 'allow, deny, or approve like: approve 1 touch');
  const { name: _name, expect: _expect, by: _by, ...request } = said as Record<string, unknown>;
  return { name, expect, by, ...readRequest(request, names, at, place) };
}

function byName<T>(
  fields: Fields,
  member: string,
  read: (value: unknown, name: string, place: string) => T,
): (name: string) => T | undefined {
  const value = fields.take(member) ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw fields.refusal(member, value, 'names with values');
  const found = new Map(Object.entries(value).map(([name, one]) => [name, read(one, name, `${member}.${name}`)]));
  return (name) => found.get(name);
}

function withName(said: unknown, name: string): unknown {
  if (typeof said !== 'object' || said === null || Array.isArray(said)) return said;
  if (Object.hasOwn(said, 'name'))
    throw new Failure(
      'invalid-argument',
      'POLICY_REQUEST_INVALID',
      `targets.${name}.name is refused: the key is its name`,
    );
  return { ...said, name };
}
