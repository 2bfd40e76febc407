// SPDX-License-Identifier: Apache-2.0
/**
 * The statement as people read it before they sign, and the way back (attack C4: what you see is what you sign). `readScreen` makes the
 * statement of nothing but what is shown, so a client signs what it gets from there: no field is signed that the screen lacks.
 *
 * The decision, whose, and for what stand first and again last. Every line is at most 80 columns of a terminal wide, so that a value
 * never gets to the edge where a terminal goes on with it by itself.
 */

import type { JsonValue } from '../lib/json-text.ts';
import { type Field, HEAD_FIELDS, human, TAIL_FIELDS, TARGET_FIELDS } from './request.ts';
import { parseRequest, parseStatement, requestDigest, type Statement, statementText } from './statement.ts';
import { choice, invalidStatement, type Kind, type Scalar } from './values.ts';

export const SCREEN_COLUMNS = 80;
const LABEL_COLUMNS = 18;
const VALUE_COLUMNS = SCREEN_COLUMNS - LABEL_COLUMNS - 4;
const MARK = /^\p{M}$/u;
const NOTE = '!';
const RULE = '-'.repeat(SCREEN_COLUMNS);
const TITLE = 'This is what you sign:';

const decision = choice('approve', 'reject');
const [TARGET] = TARGET_FIELDS as [Field];

/** Lines in ASCII and what letters the statement itself has; ends with a line end. Throws as `statementText` does. */
export function renderScreen(statement: Statement): string {
  statementText(statement);
  const { request } = statement;
  const lines = [
    ...line('decision', decision, statement.decision),
    ...line('by', human, statement.human),
    ...fieldLines(HEAD_FIELDS, request),
    ...request.targets.flatMap((target) => fieldLines(TARGET_FIELDS, target)),
    ...fieldLines(TAIL_FIELDS, request),
    ...wrapped('digest', requestDigest(request)),
  ];
  return `${[TITLE, RULE, ...lines, RULE, ...lastLines(statement)].join('\n')}\n`;
}

/** What is at the bottom of the screen when the top has scrolled away. */
function lastLines({ decision: said, human: name, request }: Statement): readonly string[] {
  const high = request.targets.some(({ impact }) => impact === 'high') ? 'high impact' : 'low impact';
  const forever = request.targets.some(({ irrevocable }) => irrevocable) ? ', cannot be taken back' : '';
  return [
    ...line('decision', decision, said),
    ...line('by', human, name),
    ...fieldLines(HEAD_FIELDS, request),
    ...request.targets.flatMap((target) => fieldLines([TARGET], target)),
    ...wrapped('impact', high + forever),
  ];
}

function fieldLines(fields: readonly Field[], from: object): readonly string[] {
  const values = new Map(Object.entries(from) as [string, Scalar][]);
  return fields.flatMap(({ label, member, kind }) => line(label, kind, values.get(member) as Scalar));
}

function line<T extends Scalar>(label: string, kind: Kind<T>, value: T): readonly string[] {
  return [...wrapped(label, kind.show(value)), ...kind.notes(value).flatMap((note) => wrapped(NOTE, note))];
}

/** A label, then the value; what does not fit goes on below it, under the same indent. */
function wrapped(label: string, shown: string): readonly string[] {
  const rows: string[] = [''];
  let columns = 0;
  for (const character of shown) {
    // How wide a terminal draws what is not ASCII differs between terminals; none draws it wider than two.
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

/** The statement that is shown. Throws ('invalid-argument', 'STATEMENT_INVALID') unless the text is what it is shown as. */
export function readScreen(screen: string): Statement {
  const reader = new ScreenReader(screen);
  const said = reader.value('decision', decision);
  const by = reader.value('by', human);
  const head = reader.values(HEAD_FIELDS);
  const targets: ReadonlyMap<string, JsonValue>[] = [];
  do targets.push(reader.values(TARGET_FIELDS));
  while (reader.isAt(TARGET.label));
  const request = parseRequest(
    new Map<string, JsonValue>([...head, ['targets', targets], ...reader.values(TAIL_FIELDS)]),
  );
  const statement = { decision: decision.parse(said, 'decision'), human: human.parse(by, 'human'), request };
  // guard: C4 test/approvals/screen.test.ts — nothing else is on the screen, nothing is missing and nothing stands twice
  if (renderScreen(statement) !== screen)
    throw invalidStatement('screen', 'text', 'it is not what this statement is shown as');
  return parseStatement(statementText(statement));
}

class ScreenReader {
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
