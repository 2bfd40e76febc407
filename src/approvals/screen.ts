// SPDX-License-Identifier: Apache-2.0
/**
 * The statement as people read it before they sign, and the way back (attack C4: what you see is what you sign). `readScreen` makes the
 * statement of nothing but what is shown, so a client signs what it gets from there: no field is signed that the screen lacks.
 *
 * The decision, whose, and for what stand first and again last. Every line is at most 80 columns of a terminal wide, so that a value
 * never gets to the edge where a terminal goes on with it by itself.
 */
import type { JsonValue } from '../lib/json-text.ts';
import type { Field } from './fields.ts';
import { HEAD_FIELDS, human, reason, TAIL_FIELDS, TARGET_FIELDS } from './request.ts';
import { fieldLines, line, RULE, ScreenReader, TITLE, wrapped } from './screen-lines.ts';
import { parseRequest, parseStatement, requestDigest, type Statement, statementText } from './statement.ts';
import { choice, invalidStatement } from './values.ts';

const decision = choice('approve', 'reject', 'withdraw');
const [TARGET] = TARGET_FIELDS as [Field];

/** Lines in ASCII and what letters the statement itself has; ends with a line end. Throws as `statementText` does. */
export function renderScreen(statement: Statement): string {
  statementText(statement);
  const { request } = statement;
  const lines = [
    ...line('decision', decision, statement.decision),
    ...line('by', human, statement.human),
    ...line('reason', reason, statement.reason),
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

/** The statement that is shown. Throws ('invalid-argument', 'STATEMENT_INVALID') unless the text is what it is shown as. */
export function readScreen(screen: string): Statement {
  const reader = new ScreenReader(screen);
  const said = reader.value('decision', decision);
  const by = reader.value('by', human);
  const why = reader.value('reason', reason);
  const head = reader.values(HEAD_FIELDS);
  const targets: ReadonlyMap<string, JsonValue>[] = [];
  do targets.push(reader.values(TARGET_FIELDS));
  while (reader.isAt(TARGET.label));
  const request = parseRequest(
    new Map<string, JsonValue>([...head, ['targets', targets], ...reader.values(TAIL_FIELDS)]),
  );
  const statement = {
    decision: decision.parse(said, 'decision'),
    human: human.parse(by, 'human'),
    reason: reason.parse(why, 'reason'),
    request,
  };
  // guard: C4 test/approvals/screen.test.ts — nothing else is on the screen, nothing is missing and nothing stands twice
  if (renderScreen(statement) !== screen)
    throw invalidStatement('screen', 'text', 'it is not what this statement is shown as');
  return parseStatement(statementText(statement));
}
