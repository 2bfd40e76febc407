// SPDX-License-Identifier: Apache-2.0
/**
 * The kinds of value in a statement: how each is read from JSON, shown on a terminal, and read back from there. What is shown is all of
 * the value, and no two values are shown alike.
 */
import { Failure, quote } from '../lib/failure.ts';
import { JsonNumber, type JsonValue } from '../lib/json-text.ts';
import { unfitIn } from '../lib/visible-text.ts';
import { notesOn, quoted, quotedList, unquoted } from './shown-text.ts';

export type Scalar = string | number | boolean | null | readonly string[];

export interface Kind<T extends Scalar> {
  /** Throws ('invalid-argument', 'STATEMENT_INVALID'). */
  parse(json: JsonValue | undefined, field: string): T;
  show(value: T): string;
  /** What `show` was given, not looked at further; undefined where it shows nothing of this kind. */
  read(shown: string): JsonValue | undefined;
  notes(value: T): readonly string[];
}

export function invalidStatement(field: string, value: unknown, why: string): Failure {
  return new Failure('invalid-argument', 'STATEMENT_INVALID', `${field} ${quote(value)} is refused: ${why}`, {
    field,
    value: quote(value),
    hint: 'a statement is signed as assay shows it, and not written by hand',
  });
}

const NONE = 'none';
const none = (): readonly string[] => [];

/** Free text: what it holds people can see, or it is refused. */
export function text(max: number): Kind<string> {
  return {
    parse: (json, field) => {
      if (typeof json !== 'string' || json === '') throw invalidStatement(field, json, 'it is no text, or empty');
      // guard: I9 test/approvals/statement.test.ts
      if (json.length > max) throw invalidStatement(field, json, `it has more than ${max} characters`);
      const unfit = unfitIn(json);
      // guard: C4 test/approvals/statement.test.ts
      if (unfit !== undefined) throw invalidStatement(field, json, `it holds ${unfit}`);
      return json;
    },
    show: (value) => quoted(value),
    read: readOne,
    notes: notesOn,
  };
}

/** Paths and the like, which are no language: any text that Unicode can hold, shown in ASCII. */
export function opaque(max: number, start = ''): Kind<string> {
  return {
    parse: (json, field) => {
      if (typeof json !== 'string' || json === '' || !json.isWellFormed() || !json.startsWith(start))
        throw invalidStatement(field, json, `it is no text that begins with ${quote(start)}`);
      // guard: I9 test/approvals/statement.test.ts
      if (json.length > max) throw invalidStatement(field, json, `it has more than ${max} characters`);
      return json;
    },
    show: (value) => quoted(value, true),
    read: readOne,
    notes: none,
  };
}

/** Text of a form that is ASCII. */
export function word(form: RegExp, what: string): Kind<string> {
  return checked((json) => form.test(json), what);
}

export function choice<T extends string>(...choices: readonly T[]): Kind<T> {
  return checked((json) => (choices as readonly string[]).includes(json), `none of ${choices.join(', ')}`) as Kind<T>;
}

/** Throws what `parse` throws. */
export function named(parse: (text: string, field: string) => unknown): Kind<string> {
  const kind = checked(() => true, 'no text');
  return {
    ...kind,
    parse: (json, field) => {
      const one = kind.parse(json, field);
      parse(one, field);
      return one;
    },
  };
}

function checked(isGood: (json: string) => boolean, what: string): Kind<string> {
  return {
    parse: (json, field) => {
      if (typeof json !== 'string' || !isGood(json)) throw invalidStatement(field, json, `it is ${what}`);
      return json;
    },
    show: (value) => quoted(value, true),
    read: readOne,
    notes: none,
  };
}

export function whole(from: number, to: number): Kind<number> {
  return {
    parse: (json, field) => {
      const value = numberOf(json);
      if (value === undefined || value < from || value > to)
        throw invalidStatement(field, shownJson(json), `it is no whole number from ${from} to ${to}`);
      return value;
    },
    show: String,
    read: (shown) => (/^(0|[1-9]\d{0,15})$/.test(shown) ? new JsonNumber(shown) : undefined),
    notes: none,
  };
}

/** The last millisecond of the year 9999, beyond which RFC 3339 has no way to write it. */
const LAST_TIME = 253_402_300_799_999;

/** Milliseconds, shown as RFC 3339 in UTC. */
export function time(): Kind<number> {
  return {
    ...whole(0, LAST_TIME),
    show: (value) => new Date(value).toISOString(),
    read: (shown) => {
      const ms = Date.parse(shown);
      return Number.isNaN(ms) ? undefined : new JsonNumber(String(ms));
    },
  };
}

export function flag(): Kind<boolean> {
  return {
    parse: (json, field) => {
      if (typeof json !== 'boolean') throw invalidStatement(field, shownJson(json), 'it is neither true nor false');
      return json;
    },
    show: (value) => (value ? 'yes' : 'no'),
    read: (shown) => (shown === 'yes' ? true : shown === 'no' ? false : undefined),
    notes: none,
  };
}

export function orNone<T extends Scalar>(kind: Kind<T>): Kind<T | null> {
  return {
    parse: (json, field) => (json === null ? null : kind.parse(json, field)),
    show: (value) => (value === null ? NONE : kind.show(value)),
    read: (shown) => (shown === NONE ? null : kind.read(shown)),
    notes: (value) => (value === null ? [] : kind.notes(value)),
  };
}

/** At least `least`, none twice, in ascending order, so that one set has one text. */
export function set(kind: Kind<string>, least: number, most: number): Kind<readonly string[]> {
  return {
    parse: (json, field) => {
      // guard: I9 test/approvals/statement.test.ts
      if (!Array.isArray(json) || json.length < least || json.length > most)
        throw invalidStatement(field, shownJson(json), `it is no list of ${least} to ${most}`);
      const values = json.map((one: JsonValue) => kind.parse(one, field));
      if (values.some((value, at) => at > 0 && value <= (values[at - 1] as string)))
        throw invalidStatement(field, shownJson(json), 'it is not in ascending order, or has one twice');
      return values;
    },
    show: (values) => (values.length === 0 ? NONE : quotedList(values, true)),
    read: (shown) => (shown === NONE ? [] : unquoted(shown)),
    notes: none,
  };
}

function readOne(shown: string): string | undefined {
  const texts = unquoted(shown);
  return texts?.length === 1 ? texts[0] : undefined;
}

function numberOf(json: JsonValue | undefined): number | undefined {
  if (!(json instanceof JsonNumber) || !/^(0|[1-9]\d{0,15})$/.test(json.source)) return undefined;
  const value = Number(json.source);
  return Number.isSafeInteger(value) ? value : undefined;
}

function shownJson(json: JsonValue | undefined): string {
  if (json instanceof JsonNumber) return json.source;
  return typeof json === 'object' && json !== null ? 'a list or an object' : String(json);
}
