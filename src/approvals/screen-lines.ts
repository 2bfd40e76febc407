// SPDX-License-Identifier: Apache-2.0
/** Lines of a screen, a label and a value each, and the way back. */
import type { JsonValue } from '../lib/json-text.ts';
import type { Field } from './fields.ts';
import { invalidStatement, type Kind, type Scalar } from './values.ts';

export const SCREEN_COLUMNS = 80;
const LABEL_COLUMNS = 18;
const VALUE_COLUMNS = SCREEN_COLUMNS - LABEL_COLUMNS - 4;
const MARK = /^\p{M}$/u;
const NOTE = '!';
export const RULE = '-'.repeat(SCREEN_COLUMNS);
export const TITLE = 'This is what you sign:';

export function fieldLines(fields: readonly Field[], from: object): readonly string[] {
  const values = new Map(Object.entries(from) as [string, Scalar][]);
  return fields.flatMap(({ label, member, kind }) => line(label, kind, values.get(member) as Scalar));
}

export function line<T extends Scalar>(label: string, kind: Kind<T>, value: T): readonly string[] {
  return [...wrapped(label, kind.show(value)), ...kind.notes(value).flatMap((note) => wrapped(NOTE, note))];
}

/** A label, then the value; what does not fit goes on below it, under the same indent. */
export function wrapped(label: string, shown: string): readonly string[] {
  const rows: string[] = [''];
  let columns = 0;
  for (const character of shown) {
    // How wide a terminal draws what is not ASCII differs between terminals; none moves on by more than two.
    const width = character <= '~' ? 1 : 2;
    // A mark stays with its letter: there are two at most, for which there is room.
    if (columns + width > VALUE_COLUMNS && !MARK.test(character)) {
      rows.push('');
      columns = 0;
    }
    rows[rows.length - 1] += character;
    columns += width;
  }
  return rows.map((row, at) => (at === 0 ? label : '').padEnd(LABEL_COLUMNS) + row);
}

export class ScreenReader {
  readonly #rows: { readonly label: string; shown: string }[] = [];
  #at = 0;

  constructor(screen: string) {
    for (const row of screen.split('\n').slice(2)) {
      const label = row.slice(0, LABEL_COLUMNS).trimEnd();
      const shown = row.slice(LABEL_COLUMNS);
      const last = this.#rows.at(-1);
      if (label === '' && last !== undefined) last.shown += shown;
      else this.#rows.push({ label, shown });
    }
  }

  isAt(label: string): boolean {
    return this.#rows[this.#at]?.label === label;
  }

  value(label: string, kind: Pick<Kind<never>, 'read'>): JsonValue {
    const row = this.#rows[this.#at];
    const value = row?.label === label ? kind.read(row.shown) : undefined;
    if (value === undefined) throw invalidStatement('screen', row?.label, `${label.trim()} is not where it is shown`);
    do this.#at += 1;
    while (this.isAt(NOTE));
    return value;
  }

  values(fields: readonly Field[]): ReadonlyMap<string, JsonValue> {
    return new Map(fields.map(({ name, label, kind }) => [name, this.value(label, kind)]));
  }
}
