// SPDX-License-Identifier: Apache-2.0
/**
 * A selector: `type:value`, in SPIRE's spelling. Two selectors are the same when their text is (no pattern, no
 * folding). The value may hold secrets (a container's environment), so an error shows only its type (I10).
 */
import { Failure, quote } from '../lib/failure.ts';
import type { Strength } from './strength.ts';

/** Longest value in bytes (I9). The longest honest one is `path:` with Linux's PATH_MAX cut at half. */
export const SELECTOR_VALUE_MAX_BYTES = 2048;

const TYPE = /^[a-z0-9_]+$/;
/** C0, DEL and C1: what repaints a terminal or splits a log line (attacks A6, C4). */
const CONTROL = /\p{Cc}/u;

export class Selector {
  /** The attestor that vouches: `unix`, `docker`. */
  readonly type: string;
  /** `uid:1000`; never empty. */
  readonly value: string;

  private constructor(type: string, value: string) {
    this.type = type;
    this.value = value;
    Object.freeze(this);
  }

  /** Splits at the first colon; refuses with SELECTOR_INVALID and the rule that was broken. */
  static parse(text: unknown, field = 'selector'): Selector {
    if (typeof text !== 'string') throw refusal(field, text, 'it is not text');
    const colon = text.indexOf(':');
    if (colon < 0) throw refusal(field, '', 'it has no colon between type and value');
    const type = text.slice(0, colon);
    const value = text.slice(colon + 1);
    // guard: A13 test/identity/selector.test.ts
    if (!TYPE.test(type)) throw refusal(field, type, 'its type may hold only lower-case letters, digits, underscores');
    if (value === '') throw refusal(field, type, 'its value is empty');
    // guard: I9 test/identity/selector.test.ts
    if (Buffer.byteLength(value) > SELECTOR_VALUE_MAX_BYTES) {
      throw refusal(field, type, `its value is longer than ${SELECTOR_VALUE_MAX_BYTES} bytes`);
    }
    // guard: A6 test/identity/selector.test.ts
    if (CONTROL.test(value)) throw refusal(field, type, 'its value holds a control character');
    // guard: A6 test/identity/selector.test.ts — such text has no UTF-8 form, two of them would be stored alike
    if (!value.isWellFormed()) throw refusal(field, type, 'its value is not well-formed Unicode');
    return new Selector(type, value);
  }

  equals(other: Selector): boolean {
    return this.type === other.type && this.value === other.value;
  }

  toString(): string {
    return `${this.type}:${this.value}`;
  }
}

/** The attestor's word before the first colon of the value: `uid` in `unix:uid:1000`. */
export function kindOf(selector: Selector): string {
  const colon = selector.value.indexOf(':');
  return colon < 0 ? selector.value : selector.value.slice(0, colon);
}

/**
 * How hard `selectorText` is to fake (attack A1), by the tables of the attestors that run: attestor to kind to
 * strength. Undefined when no running attestor gives such a selector, or the text is none.
 */
export function strengthOf(
  selectorText: string,
  kinds: ReadonlyMap<string, ReadonlyMap<string, Strength>>,
): Strength | undefined {
  const [type = '', kind = ''] = selectorText.split(':', 2);
  return kinds.get(type)?.get(kind);
}

/** Hardest to fake first. */
const BY_STRENGTH: readonly Strength[] = ['kernel', 'authority', 'bound', 'claimed'];

/** The strength of the hardest to fake among them, which is how hard all of them together are to fake. */
export function strongestOf(
  selectorTexts: readonly string[],
  kinds: ReadonlyMap<string, ReadonlyMap<string, Strength>>,
): Strength | undefined {
  const found = new Set(selectorTexts.map((text) => strengthOf(text, kinds)));
  return BY_STRENGTH.find((strength) => found.has(strength));
}

function refusal(field: string, shown: unknown, broken: string): Failure {
  return new Failure('invalid-argument', 'SELECTOR_INVALID', `${field} of type ${quote(shown)} is refused: ${broken}`, {
    field,
    value: quote(shown),
    hint: 'write type:value, such as unix:uid:1000',
  });
}
