// SPDX-License-Identifier: Apache-2.0
/**
 * The answer of an attestor of others, read once, checked and copied: what the daemon goes on with is this copy, which
 * nobody else can change. Anything out of shape or bounds refuses the whole answer, so the look fails (attack A13).
 *
 * Kinds and strengths are the engine's to judge: it drops what was not declared.
 */

import type { Attestation, Facts, FoundSelector, Grounds, LeftOut, Strength } from '../attestation/plugin.ts';
import { Selector } from '../identity/selector.ts';
import { Failure } from '../lib/failure.ts';
import { PLUGIN_BOUNDS } from './bounds.ts';

/** Throws Failure `PLUGIN_ANSWER`. */
export function readAnswer(name: string, answer: unknown): Attestation {
  return new AnswerReader(name).read(answer);
}

const STRENGTHS: readonly unknown[] = ['kernel', 'authority', 'bound', 'claimed'] satisfies Strength[];
const CONTROL = /\p{Cc}/u;

class AnswerReader {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  read(value: unknown): Attestation {
    const { applies, selectors, facts, leftOut, reason, restsOn, goodForMs } = this.#object(value, 'the answer');
    const grounds = this.#grounds(restsOn, goodForMs);
    if (applies === false) return { applies, reason: this.#text(reason, 'reason'), ...grounds };
    if (applies !== true) throw this.#refuse('does not say whether it applies');
    return {
      applies,
      selectors: this.#list(selectors, 'selectors', PLUGIN_BOUNDS.selectors).map((one) => this.#selector(one)),
      facts: this.#facts(facts),
      leftOut: this.#list(leftOut, 'leftOut', PLUGIN_BOUNDS.leftOut).map((one) => this.#leftOut(one)),
      ...grounds,
    };
  }

  #selector(one: unknown): FoundSelector {
    const { value, strength } = this.#object(one, 'a selector');
    // guard: A13 test/plugins/answer.test.ts
    if (!STRENGTHS.includes(strength)) throw this.#refuse('has a selector of a strength that there is not');
    if (typeof value !== 'string') throw this.#refuse('has a selector that is no text');
    try {
      // guard: A13 test/plugins/answer.test.ts — its length, control characters and encoding
      Selector.parse(`${this.#name}:${value}`);
    } catch (cause) {
      throw this.#refuse('has a selector that no entry could name', cause);
    }
    return { value, strength: strength as Strength };
  }

  #leftOut(one: unknown): LeftOut {
    const { kind, reason } = this.#object(one, 'what is left out');
    return { kind: this.#text(kind, 'kind'), reason: this.#text(reason, 'reason') };
  }

  #facts(value: unknown): Facts {
    const facts: Record<string, Facts[string]> = Object.create(null);
    const members = Object.entries(this.#object(value, 'facts'));
    if (members.length > PLUGIN_BOUNDS.facts) throw this.#tooMany('facts', members.length, PLUGIN_BOUNDS.facts);
    for (const [key, fact] of members) facts[this.#text(key, 'a fact’s name')] = this.#fact(fact);
    return facts;
  }

  #fact(value: unknown): Facts[string] {
    if (!Array.isArray(value)) return this.#plain(value);
    const items = this.#list(value, 'a fact', PLUGIN_BOUNDS.factItems).map((item) => this.#plain(item));
    if (items.every((item) => typeof item === 'string')) return items;
    if (items.every((item) => typeof item === 'number')) return items;
    throw this.#refuse('has a fact that is a list of neither text nor numbers');
  }

  #plain(value: unknown): string | number | boolean {
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return value;
    // Facts may be anybody's words, so they may hold any character.
    if (typeof value === 'string' && value.isWellFormed() && Buffer.byteLength(value) <= PLUGIN_BOUNDS.textBytes)
      return value;
    throw this.#refuse('has a fact that is not text, a number, true or false within bounds');
  }

  #grounds(restsOn: unknown, goodForMs: unknown): Grounds {
    const grounds: { restsOn?: readonly string[]; goodForMs?: number } = {};
    if (restsOn !== undefined) {
      const list = this.#list(restsOn, 'restsOn', PLUGIN_BOUNDS.grounds);
      grounds.restsOn = list.map((ground) => this.#text(ground, 'a ground'));
    }
    if (goodForMs !== undefined) {
      // guard: I9 test/plugins/answer.test.ts
      if (typeof goodForMs !== 'number' || !(goodForMs >= PLUGIN_BOUNDS.leastGoodForMs))
        throw this.#refuse(`is good for less than ${PLUGIN_BOUNDS.leastGoodForMs} ms`);
      grounds.goodForMs = goodForMs;
    }
    return grounds;
  }

  #object(value: unknown, what: string): Readonly<Record<string, unknown>> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    throw this.#refuse(`has something else for ${what} than an object`);
  }

  #list(value: unknown, what: string, most: number): readonly unknown[] {
    if (!Array.isArray(value)) throw this.#refuse(`has something else for ${what} than a list`);
    // guard: I9 test/plugins/answer.test.ts
    if (value.length > most) throw this.#tooMany(what, value.length, most);
    return [...value];
  }

  /** Words for an operator, or a name. */
  #text(value: unknown, what: string): string {
    if (typeof value !== 'string') throw this.#refuse(`has no text for ${what}`);
    const fits = value !== '' && Buffer.byteLength(value) <= PLUGIN_BOUNDS.textBytes && value.isWellFormed();
    // guard: A13 test/plugins/answer.test.ts — it is printed on an operator's terminal
    if (!fits || CONTROL.test(value)) throw this.#refuse(`has no plain text for ${what}`);
    return value;
  }

  #tooMany(what: string, count: number, most: number): Failure {
    return this.#refuse(`has ${count} for ${what}; the ceiling is ${most}`);
  }

  #refuse(why: string, cause?: unknown): Failure {
    return new Failure('unavailable', 'PLUGIN_ANSWER', `the answer of attestor ${this.#name} ${why}`, {
      field: `attestors.${this.#name}`,
      hint: 'correct the plugin; docs/plugins.md has the bounds',
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
