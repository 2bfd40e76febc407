// SPDX-License-Identifier: Apache-2.0
/**
 * Files to policies that may decide, or to everything that is wrong with them. Strict: what Cedar's validator only warns of (a
 * policy that can never apply, a name written in two alphabets) is an error here, since a `forbid` that never applies is a hole.
 */
import { Failure, quote } from '../lib/failure.ts';
import type { Cedar, PolicyJson } from './cedar.ts';
import { GUARDRAILS_FILE, type PolicyFile } from './files.ts';
import { GUARDRAILS } from './guardrails.ts';
import { SCHEMA } from './schema.ts';
import { splitPolicies } from './split.ts';

export interface LoadedPolicy {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly reason: string;
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export interface PolicyProblem {
  readonly file: string;
  /** 0 where no line is to blame. */
  readonly line: number;
  readonly policyId: string | undefined;
  /** May hold text of the policy, never of a request. */
  readonly message: string;
}

export interface Checked {
  readonly policies: ReadonlyMap<string, LoadedPolicy>;
  readonly problems: readonly PolicyProblem[];
}

export const MOST_POLICIES = 1_000;
const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** What a decision says where no policy is to name. */
const NOT_IDS: ReadonlySet<string> = new Set(['default', 'error']);
const REASON = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,200}$/u;
const ANNOTATIONS: ReadonlySet<string> = new Set(['id', 'reason']);

/** The guardrails come first and keep their names. */
export function checkPolicies(cedar: Cedar, files: readonly PolicyFile[]): Checked {
  const policies = new Map<string, LoadedPolicy>();
  const problems: PolicyProblem[] = [];
  for (const file of [{ name: GUARDRAILS_FILE, text: GUARDRAILS }, ...files]) {
    try {
      readFile(cedar, file, policies, problems);
    } catch (error) {
      problems.push({ file: file.name, line: lineOf(error), policyId: undefined, message: messageOf(error) });
    }
  }
  // guard: I9 test/policy/check.test.ts
  if (policies.size > MOST_POLICIES)
    problems.push(problem('', 0, undefined, `${policies.size} policies are more than the ${MOST_POLICIES} allowed`));
  // What did not parse would only be told again.
  if (problems.length === 0) problems.push(...invalidIn(cedar, policies));
  return { policies, problems };
}

function readFile(
  cedar: Cedar,
  { name, text }: PolicyFile,
  policies: Map<string, LoadedPolicy>,
  problems: PolicyProblem[],
): void {
  for (const one of splitPolicies(text)) {
    const answer = cedar.policyToJson(one.text);
    if (answer.type === 'failure') {
      for (const error of answer.errors) problems.push(problem(name, one.line, undefined, withHelp(error)));
      continue;
    }
    const { id, broken } = judge(answer.json, policies);
    for (const message of broken) problems.push(problem(name, one.line, id, message));
    if (id === undefined || broken.length > 0) continue;
    const { effect, annotations } = answer.json;
    policies.set(id, { id, effect, reason: annotations?.['reason'] ?? '', file: name, line: one.line, text: one.text });
  }
}

/** Ids are the words of the log and of every refusal: none is missing, none stands for two. */
function judge(
  json: PolicyJson,
  taken: ReadonlyMap<string, LoadedPolicy>,
): { readonly id: string | undefined; readonly broken: readonly string[] } {
  const annotations = new Map(Object.entries(json.annotations ?? {}));
  const id = annotations.get('id');
  const broken: string[] = [];
  // guard: C1 test/policy/check.test.ts
  if (id === undefined) broken.push('has no @id("…")');
  else if (!ID.test(id) || NOT_IDS.has(id))
    broken.push(
      `has the @id ${quote(id)}: small letters, digits, . _ - are allowed, and not ${[...NOT_IDS].join(' or ')}`,
    );
  const other = id === undefined ? undefined : taken.get(id);
  // guard: C1 test/policy/check.test.ts
  if (other !== undefined) broken.push(`has the @id of the policy at ${other.file}:${other.line}`);
  const reason = annotations.get('reason');
  // guard: C4 test/policy/check.test.ts
  if (reason === undefined || !REASON.test(reason)) broken.push('has no @reason("…") of 1 to 200 visible characters');
  for (const name of annotations.keys())
    if (!ANNOTATIONS.has(name)) broken.push(`has the annotation @${name}, which nothing reads`);
  // guard: C1 test/policy/check.test.ts — also who may approve would be everybody
  if (json.effect === 'permit' && json.action.op === 'All') broken.push('permits every action: name those it is for');
  // guard: A1 test/policy/check.test.ts
  if (json.effect === 'permit' && mentions(json, 'claimed'))
    broken.push('permits by context.attested.claimed, which the program itself has a hand in: use selectors');
  return { id, broken };
}

/** Whether it reads an attribute of that name, or writes a record that has it. */
function mentions(json: unknown, name: string): boolean {
  if (json === name) return true;
  if (typeof json !== 'object' || json === null) return false;
  return Object.entries(json).some(([key, value]) => key === name || (key !== 'annotations' && mentions(value, name)));
}

function invalidIn(cedar: Cedar, policies: ReadonlyMap<string, LoadedPolicy>): PolicyProblem[] {
  const staticPolicies = Object.fromEntries([...policies].map(([id, { text }]) => [id, text]));
  const answer = cedar.validate({ schema: SCHEMA, policies: { staticPolicies } });
  if (answer.type === 'failure') return answer.errors.map((error) => problem('', 0, undefined, withHelp(error)));
  const found = [...answer.validationErrors, ...answer.validationWarnings].map(({ policyId, error }) => {
    const at = policies.get(policyId);
    return problem(at?.file ?? '', at?.line ?? 0, policyId, withHelp(error));
  });
  return [...found, ...answer.otherWarnings.map((error) => problem('', 0, undefined, withHelp(error)))];
}

function problem(file: string, line: number, policyId: string | undefined, message: string): PolicyProblem {
  return { file, line, policyId, message: message.slice(0, 500) };
}

function withHelp({ message, help }: { readonly message: string; readonly help: string | null }): string {
  return help === null ? message : `${message} (${help})`;
}

function lineOf(error: unknown): number {
  return error instanceof Failure ? Number(error.value ?? 0) : 0;
}

/** What is no Failure is Cedar out of its stack: the instance is not asked again. */
function messageOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  throw new Failure('invalid-argument', 'POLICY_TOO_DEEP', 'the policies ask more of the parser than it has', {
    hint: 'write them plainer: shorter conditions, fewer brackets',
    cause: error,
  });
}
