// SPDX-License-Identifier: Apache-2.0
/**
 * Reads one section of a configuration key by key, and refuses in the end whatever nobody asked for, with its line and the
 * nearest key that there is. Mistakes are collected, so that one run shows them all.
 */
import { nearest } from '../config/nearest.ts';
import type { ListTree, MapTree, Tree } from '../config/yaml-tree.ts';
import { DURATION_HINT, parseDuration } from '../lib/duration.ts';
import { Failure, quote } from '../lib/failure.ts';

export class Problems {
  readonly all: Failure[] = [];
  readonly file: string;

  /** `file`: its name, for the places. */
  constructor(file: string) {
    this.file = file;
  }

  add(key: string, line: number, reason: string, hint?: string): void {
    const place = `${key} (${this.file}:${line})`;
    const detail = { field: place, ...(hint === undefined ? {} : { hint }) };
    this.all.push(new Failure('invalid-argument', 'HELPER_CONFIG_INVALID', `${place}: ${reason}`, detail));
  }

  /** The first mistake, which says how many more there are. */
  throwIfAny(): void {
    const [first, ...more] = this.all;
    if (first === undefined) return;
    if (more.length === 0) throw first;
    const others = more.map(({ message }) => message).join('; ');
    throw new Failure(first.kind, first.reason, `${first.message}; and ${others}`, {
      ...(first.field === undefined ? {} : { field: first.field }),
      ...(first.hint === undefined ? {} : { hint: first.hint }),
    });
  }
}

export class SectionReader {
  readonly line: number;
  readonly problems: Problems;
  readonly #members: ReadonlyMap<string, Tree>;
  readonly #path: string;
  readonly #known = new Set<string>();

  /** `path`: of the section, empty for the whole file. */
  constructor(tree: MapTree, path: string, problems: Problems) {
    this.line = tree.line;
    this.problems = problems;
    this.#members = tree.members;
    this.#path = path;
  }

  tree(key: string): Tree | undefined {
    this.#known.add(key);
    const found = this.#members.get(key);
    return found?.kind === 'scalar' && found.value === undefined ? undefined : found;
  }

  /** Text that is not empty; undefined where the key is absent, empty or wrong. */
  text(key: string): string | undefined {
    const found = this.tree(key);
    if (found === undefined) return undefined;
    if (found.kind === 'scalar' && typeof found.value !== 'boolean') {
      const text = typeof found.value === 'string' ? found.value : found.text;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
      if (/[\u0000-\u001f\u007f]/.test(text)) this.refuse(key, 'holds a control character', 'remove it');
      else return text === '' ? undefined : text;
    } else this.refuse(key, 'is no text');
    return undefined;
  }

  /** Text that may have several lines. */
  lines(key: string): string {
    const found = this.tree(key);
    if (found === undefined) return '';
    if (found.kind === 'scalar' && typeof found.value === 'string' && !found.value.includes('\0')) return found.value;
    this.refuse(key, 'is no text');
    return '';
  }

  requiredText(key: string, hint: string): string {
    const text = this.text(key);
    const found = this.tree(key);
    const empty = found === undefined || (found.kind === 'scalar' && found.value === '');
    if (text === undefined && empty) this.refuse(key, 'is required', hint);
    return text ?? '';
  }

  flag(key: string, fallback: boolean): boolean {
    const found = this.tree(key);
    if (found === undefined) return fallback;
    if (found.kind === 'scalar' && typeof found.value === 'boolean') return found.value;
    this.refuse(key, 'is neither true nor false');
    return fallback;
  }

  /** Milliseconds. */
  duration(key: string, fallback: number): number {
    const text = this.text(key);
    if (text === undefined) return fallback;
    const ms = parseDuration(text);
    if (ms !== undefined && ms > 0) return ms;
    this.refuse(key, `${quote(text)} is no duration above zero`, DURATION_HINT);
    return fallback;
  }

  /** A whole number from `least` to `most`. */
  number(key: string, least: number, most: number): number | undefined {
    const found = this.tree(key);
    if (found === undefined) return undefined;
    const value = found.kind === 'scalar' ? Number(found.value) : Number.NaN;
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    this.refuse(key, `is no whole number from ${least} to ${most}`);
    return undefined;
  }

  oneOf<Word extends string>(key: string, words: readonly Word[], fallback: Word): Word {
    const text = this.text(key);
    if (text === undefined) return fallback;
    const word = words.find((one) => one === text);
    if (word === undefined) this.refuse(key, `${quote(text)} is not one of ${words.join(', ')}`);
    return word ?? fallback;
  }

  /** A list of texts; one text counts as a list of one. */
  texts(key: string): readonly string[] {
    const found = this.tree(key);
    if (found === undefined) return [];
    const items = found.kind === 'list' ? found.items : [found];
    const texts = items.map((item) => (item.kind === 'scalar' ? scalarText(item) : ''));
    if (!texts.includes('')) return texts;
    this.refuse(key, 'is no list of texts', 'write it as ["one", "two"]');
    return [];
  }

  section(key: string): SectionReader | undefined {
    const found = this.tree(key);
    if (found === undefined) return undefined;
    if (found.kind === 'map') return new SectionReader(found, this.keyOf(key), this.problems);
    this.refuse(key, 'is no section', 'write its keys below it');
    return undefined;
  }

  list(key: string): ListTree | undefined {
    const found = this.tree(key);
    if (found === undefined || found.kind === 'list') return found;
    this.refuse(key, 'is no list', 'write its items below it, each with a dash');
    return undefined;
  }

  /** One reader for each item of a list of sections. */
  sections(key: string): readonly SectionReader[] {
    const items = this.list(key)?.items ?? [];
    return items.flatMap((item, at) => {
      if (item.kind === 'map') return [new SectionReader(item, `${this.keyOf(key)}[${at}]`, this.problems)];
      this.problems.add(`${this.keyOf(key)}[${at}]`, item.line, 'is no section');
      return [];
    });
  }

  /** All keys and their texts. */
  texted(): ReadonlyMap<string, string> {
    return new Map([...this.#members.keys()].map((key) => [key, this.text(key) ?? '']));
  }

  keyOf(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }

  refuse(key: string, reason: string, hint?: string): void {
    this.problems.add(this.keyOf(key), this.#members.get(key)?.line ?? this.line, reason, hint);
  }

  /** Every key that was not asked for is a mistake. */
  finish(): void {
    for (const [key, { line }] of this.#members) {
      if (this.#known.has(key)) continue;
      const near = nearest(key, this.#known);
      const hint = near === undefined ? `keys here: ${[...this.#known].sort().join(', ')}` : `did you mean ${near}?`;
      this.problems.add(this.keyOf(key), line, 'is no key of this configuration', hint);
    }
  }
}

function scalarText(item: Tree): string {
  if (item.kind !== 'scalar' || item.value === undefined || typeof item.value === 'boolean') return '';
  return typeof item.value === 'string' ? item.value : item.text;
}
