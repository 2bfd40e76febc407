// SPDX-License-Identifier: Apache-2.0
/** What an event says, which is the row that it wrote: read by the names of its columns. */
import { Failure } from '../lib/failure.ts';
import { JsonNumber, type JsonValue, parseJsonText } from '../lib/json-text.ts';
import type { EvidenceEvent } from './format.ts';

export class Row {
  readonly event: EvidenceEvent;
  readonly #members: ReadonlyMap<string, JsonValue>;

  /** Throws ('invalid-argument', 'EVIDENCE_INVALID') where it says nothing, or no row. */
  static of(event: EvidenceEvent): Row {
    if (event.said === null) throw unfit(event, 'what it says is not there');
    const json = parseJsonText(event.said.payload, `event ${event.seq}`);
    if (!(json instanceof Map)) throw unfit(event, 'what it says is no object');
    return new Row(event, json);
  }

  private constructor(event: EvidenceEvent, members: ReadonlyMap<string, JsonValue>) {
    this.event = event;
    this.#members = members;
  }

  text(name: string): string {
    const value = this.#members.get(name);
    if (typeof value === 'string') return value;
    throw unfit(this.event, `${name} is no text`);
  }

  textOrNull(name: string): string | null {
    return this.#members.get(name) === null ? null : this.text(name);
  }

  whole(name: string): number {
    const value = this.#members.get(name);
    const number = value instanceof JsonNumber ? Number(value.source) : Number.NaN;
    if (Number.isSafeInteger(number)) return number;
    throw unfit(this.event, `${name} is no whole number`);
  }

  /** It is there, and not null. */
  has(name: string): boolean {
    return (this.#members.get(name) ?? null) !== null;
  }

  /** Each of them a text. */
  texts(name: string): readonly string[] {
    const value = this.#members.get(name);
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
    throw unfit(this.event, `${name} is no list of texts`);
  }

  rows(name: string): readonly Row[] {
    const value = this.#members.get(name);
    if (Array.isArray(value) && value.every((one) => one instanceof Map))
      return value.map((one) => new Row(this.event, one as ReadonlyMap<string, JsonValue>));
    throw unfit(this.event, `${name} is no list of objects`);
  }

  /** A text that is JSON itself. */
  inner(name: string): Row {
    const json = parseJsonText(this.text(name), name);
    if (json instanceof Map) return new Row(this.event, json);
    throw unfit(this.event, `${name} is no object`);
  }

  /** Undefined for null. */
  wholes(name: string): readonly number[] | undefined {
    const value = this.#members.get(name);
    if (value === null) return undefined;
    const numbers = Array.isArray(value)
      ? value.map((one) => (one instanceof JsonNumber ? Number(one.source) : Number.NaN))
      : [Number.NaN];
    if (numbers.every(Number.isSafeInteger)) return numbers;
    throw unfit(this.event, `${name} is no list of whole numbers`);
  }

  /** Columns in which it is not as the other; numbers and texts alone. */
  differences(other: Row, names: readonly string[]): readonly string[] {
    return names.filter((name) => scalar(this.#members.get(name)) !== scalar(other.#members.get(name)));
  }
}

function scalar(value: JsonValue | undefined): unknown {
  return value instanceof JsonNumber ? `number ${value.source}` : value;
}

export function unfit({ seq, kind }: Pick<EvidenceEvent, 'seq' | 'kind'>, why: string): Failure {
  return new Failure('invalid-argument', 'EVIDENCE_INVALID', `event ${seq} (${kind}): ${why}`, {
    field: 'evidence',
    hint: 'was it written by another version?',
  });
}
