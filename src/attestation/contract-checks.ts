// SPDX-License-Identifier: Apache-2.0
/** What must be true of an attestor's name, kinds and answers by themselves, whatever process they are about. */
import assert from 'node:assert/strict';
import { Selector } from '../identity/selector.ts';
import { union } from './attested.ts';
import type { Applies, Attestation, Attestor, Facts, Grounds } from './plugin.ts';

export function checkKinds(it: Attestor): void {
  assert.match(it.name, /^[a-z0-9_]+$/, 'the name is no selector type');
  assert.notEqual(it.kinds.size, 0, 'it declares no kind');
  for (const [kind, strength] of it.kinds) {
    assert.match(kind, /^[a-z0-9_.-]+$/, 'a kind is lower-case letters, digits, underscores, dots and dashes');
    assert.match(strength, /^(?:kernel|authority|bound|claimed)$/);
  }
  for (const kind of it.secretKinds ?? []) assert.ok(it.kinds.has(kind), `it hides ${kind}, which it did not declare`);
}

export function checkAnswer(it: Attestor, answer: Attestation): void {
  checkGrounds(it, answer);
  if (answer.applies) checkFound(it, answer);
  else isWords(answer.reason, 'why it does not apply');
}

/** `type:value strength`, sorted: what is compared. */
export function selectorsOf(answer: Attestation): readonly string[] {
  return answer.applies ? answer.selectors.map(({ value, strength }) => `${value} ${strength}`).sort() : [];
}

function checkFound(it: Attestor, found: Applies): void {
  const dropped: object[] = [];
  const answer = { attestor: it, attestation: found };
  const { selectors } = union([answer], { began: 0, at: 0 }, (selector) => dropped.push(selector));
  assert.deepEqual(dropped, [], 'the engine drops a selector: of a kind that was not declared, or too strong');
  assert.equal(selectors.size, found.selectors.length, 'a selector stands twice');
  // What no entry could name is left out, with the reason.
  for (const selector of selectors.keys()) assert.doesNotThrow(() => Selector.parse(selector));
  for (const { kind, reason } of found.leftOut) {
    assert.ok(it.kinds.has(kind), `it leaves out ${kind}, which it did not declare`);
    isWords(reason, `why ${kind} is left out`);
  }
  for (const [name, fact] of Object.entries(found.facts)) assert.ok(isFlat(fact), `the fact ${name} is not flat`);
}

function checkGrounds(it: Attestor, { restsOn, goodForMs }: Grounds): void {
  if (goodForMs !== undefined) assert.ok(goodForMs > 0 && goodForMs < Infinity, 'goodForMs is no time');
  for (const ground of restsOn ?? []) assert.ok(ground !== '', 'a ground has no name');
  if (restsOn !== undefined && goodForMs === undefined)
    assert.ok(it.onChange !== undefined, 'it rests on what nobody tells of, and is good for ever');
}

function isWords(text: string, what: string): void {
  assert.match(text, /^[^\p{Cc}]{3,}$/u, `${what} is said in words`);
}

function isFlat(fact: Facts[string]): boolean {
  const isPlain = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);
  return Array.isArray(fact) ? fact.every(isPlain) : isPlain(fact);
}
