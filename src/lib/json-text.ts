// SPDX-License-Identifier: Apache-2.0
/**
 * JSON (RFC 8259) from outside, read with more care than `JSON.parse`: a member named twice is refused (RFC 7517 section 4,
 * BUN-15), objects become Maps so that no name is special (attack B7), numbers keep their text so that 64-bit integers
 * survive (BUN-04), and depth is bounded (I9). Accepts nothing that `JSON.parse` refuses.
 */
import { Failure, quote } from './failure.ts';

/** A number as it was written. */
export class JsonNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

const DEEPEST = 32;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 section 7 forbids them unescaped
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORDS: ReadonlyMap<string, null | boolean> = new Map<string, null | boolean>([
  ['null', null],
  ['true', true],
  ['false', false],
]);

/** `field` names the text in refusals. */
export function parseJsonText(text: string, field: string): JsonValue {
  const reader = new Reader(text, field);
  const value = reader.value(0);
  reader.space();
  if (!reader.atEnd) throw reader.refusal('something follows the value');
  return value;
}

class Reader {
  readonly #text: string;
  readonly #field: string;
  #at = 0;

  constructor(text: string, field: string) {
    this.#text = text;
    this.#field = field;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  space(): void {
    this.#take(SPACE);
  }

  value(depth: number): JsonValue {
    // guard: I9 test/lib/json-text.test.ts
    if (depth > DEEPEST) throw this.refusal(`it is nested deeper than ${DEEPEST}`);
    this.space();
    const next = this.#text[this.#at];
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    if (next === '"') return this.#string();
    for (const [word, value] of WORDS) if (this.#skip(word)) return value;
    const number = this.#take(NUMBER);
    if (number === undefined) throw this.refusal('a value is missing');
    return new JsonNumber(number);
  }

  refusal(reason: string): Failure {
    return new Failure(
      'invalid-argument',
      'JSON_INVALID',
      `${this.#field}: no usable JSON: ${reason} at character ${this.#at + 1}`,
      {
        field: this.#field,
        hint: 'give the document as its server sends it',
      },
    );
  }

  #object(depth: number): ReadonlyMap<string, JsonValue> {
    const members = new Map<string, JsonValue>();
    this.#at += 1;
    this.space();
    if (this.#skip('}')) return members;
    do {
      this.space();
      const name = this.#string();
      // guard: BUN-15 test/lib/json-text.test.ts
      if (members.has(name)) throw this.refusal(`the member ${quote(name)} is there twice`);
      this.space();
      if (!this.#skip(':')) throw this.refusal('a colon is missing');
      members.set(name, this.value(depth + 1));
      this.space();
    } while (this.#skip(','));
    if (!this.#skip('}')) throw this.refusal('an object does not end');
    return members;
  }

  #array(depth: number): readonly JsonValue[] {
    const items: JsonValue[] = [];
    this.#at += 1;
    this.space();
    if (this.#skip(']')) return items;
    do {
      items.push(this.value(depth + 1));
      this.space();
    } while (this.#skip(','));
    if (!this.#skip(']')) throw this.refusal('an array does not end');
    return items;
  }

  #string(): string {
    const quoted = this.#take(STRING);
    if (quoted === undefined) throw this.refusal('a string is missing or broken');
    return JSON.parse(quoted) as string;
  }

  #skip(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}
