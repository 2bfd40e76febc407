// SPDX-License-Identifier: Apache-2.0
/**
 * A file of policies into single ones, before Cedar sees it. Cedar's parser and evaluator go down the stack with the text, and
 * where that ends the instance is lost: with 112 brackets within each other, with 352 steps (`.`, `+`) after each other, with less
 * of both (4.13.0). A text at all bounds at once leaves room (`test/policy/split.test.ts`).
 */
import { Failure } from '../lib/failure.ts';

export interface PolicyText {
  readonly text: string;
  /** Of its first word, counted from 1. */
  readonly line: number;
}

/** All of one policy. */
export const MOST_NESTED = 24;
export const MOST_STEPS = 100;
export const MOST_CONDITIONS = 100;
export const POLICY_MAX = 16_384;

/** Cedar's words, as its lexer has them: a comment ends at either end of line, a string has no end of line after a backslash. */
const WORD = /\/\/[^\r\n]*|"(?:\\.|[^"\\])*"|[A-Za-z_][A-Za-z0-9_]*|&&|\|\||\s+|[\s\S]/gu;
const STEPS: ReadonlySet<string> = new Set(['.', '+', '-', '*', '!', 'if', 'has', 'like', 'is', 'in']);

/** Throws Failure('invalid-argument', 'POLICY_TEXT_INVALID') with the line. What comes after the last `;` is a policy too: Cedar refuses it. */
export function splitPolicies(text: string): PolicyText[] {
  refuseUnfit(text);
  const found: PolicyText[] = [];
  let now = fresh(0, 1);
  let line = 1;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const blank = /^(?:\s|\/\/)/u.test(word);
    if (!blank && !now.begun) now = { ...fresh(index, line), begun: true };
    if (!blank) count(now, word, line);
    line += word.split('\n').length - 1;
    if (word !== ';' || now.depth !== 0) continue;
    found.push(cut(text, now, index + 1));
    now = fresh(index + 1, line);
  }
  return now.begun ? [...found, cut(text, now, text.length)] : found;
}

interface Seen {
  readonly from: number;
  readonly line: number;
  readonly begun: boolean;
  depth: number;
  steps: number;
  conditions: number;
}

function fresh(from: number, line: number): Seen {
  return { from, line, begun: false, depth: 0, steps: 0, conditions: 0 };
}

function count(seen: Seen, word: string, line: number): void {
  if (word === '(' || word === '[' || word === '{') seen.depth += 1;
  if (word === ')' || word === ']' || word === '}') seen.depth -= 1;
  if (STEPS.has(word)) seen.steps += 1;
  if (word === '&&' || word === '||') seen.conditions += 1;
  // guard: I9 test/policy/split.test.ts
  if (seen.depth > MOST_NESTED) throw refusal(line, `has more than ${MOST_NESTED} brackets within each other`);
  // guard: I9 test/policy/split.test.ts
  if (seen.steps > MOST_STEPS) throw refusal(line, `has more than ${MOST_STEPS} of ${[...STEPS].join(' ')}`);
  // guard: I9 test/policy/split.test.ts
  if (seen.conditions > MOST_CONDITIONS) throw refusal(line, `has more than ${MOST_CONDITIONS} of && and ||`);
}

function cut(text: string, seen: Seen, to: number): PolicyText {
  const policy = text.slice(seen.from, to).trimEnd();
  // guard: I9 test/policy/split.test.ts
  if (policy.length > POLICY_MAX) throw refusal(seen.line, `is longer than ${POLICY_MAX} characters`);
  return { text: policy, line: seen.line };
}

/** What could be read in two ways, or be seen in another than it is read in. */
function refuseUnfit(text: string): void {
  const unfit =
    /\r(?!\n)|(?![\t\n\r])\p{Cc}|\p{Bidi_Control}|\p{Default_Ignorable_Code_Point}|[\p{Zl}\p{Zp}\p{Cs}\u{FFFD}]/u;
  const found = unfit.exec(text);
  if (found === null) return;
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  // guard: C4 test/policy/split.test.ts
  throw refusal(text.slice(0, found.index).split('\n').length, `holds U+${code}, which is not seen as what it is`);
}

function refusal(line: number, broken: string): Failure {
  return new Failure('invalid-argument', 'POLICY_TEXT_INVALID', `the policy at line ${line} ${broken}`, {
    value: String(line),
    hint: 'split it into several policies, or write it plainer',
  });
}
