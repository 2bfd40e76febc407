// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ApprovalRequest } from '../../src/approvals/request.ts';
import { readScreen, renderScreen } from '../../src/approvals/screen.ts';
import { SCREEN_COLUMNS } from '../../src/approvals/screen-lines.ts';
import type { Statement } from '../../src/approvals/statement.ts';
import { statementText } from '../../src/approvals/statement.ts';
import { Failure } from '../../src/lib/failure.ts';
import { ANY_REQUEST, grantRequest, refunds, taskRequest } from '../support/approval.ts';

const approve = (request: ApprovalRequest): Statement => ({
  decision: 'approve',
  human: 'alice',
  reason: null,
  request,
});
const screen = renderScreen(approve(taskRequest()));
/** As a terminal draws what is not ASCII at its widest. */
const columnsOf = (row: string): number =>
  [...row].reduce((sum, one) => sum + (one <= '~' ? 1 : /\p{M}/u.test(one) ? 1 : 2), 0);

describe('what is seen before it is signed', () => {
  it('reads as it is meant to', () => {
    expect(screen).toBe(`This is what you sign:
${'-'.repeat(80)}
decision          "approve"
by                "alice"
reason            none
of a              "task"
request           "01JTASK0000000000000000000"
identity          "spiffe://example.org/agent/support-bot"
target            "payments"
  impact          "high"
  irrevocable     no
  intents         "payments:read", "payments:refund"
  environment     "production"
  owner           "team:payments"
purpose           "refund ticket 4711"
ends              2026-03-01T12:20:00.000Z
parent task       none
under grant       none
begins            none
tasks at most     none
seconds a task    none
may delegate to   none
asked by          none
process uid       1000
process pid       4242
started, ticks    987654
proven of it      "unix:gid:1000", "unix:uid:1000"
program, claimed  "/usr/bin/node"
SHA-256, claimed  "${'ab'.repeat(28)}a
                  bababab"
static secrets    "none-seen"
open findings     none
identity owner    "human:alice"
people needed     1
strength needed   2
other uid needed  no
because of policy "high-impact-needs-human"
policies          "${'cd'.repeat(28)}c
                  dcdcdcd"
trust domain      "example.org"
daemon            "example.org/log/1"
nonce             "AAAAAAAAAAAAAAAAAAAAAA"
answer before     2026-03-01T12:15:00.000Z
digest            ${screen.match(/sha256:[0-9a-f]{51}/)?.[0]}
                  ${screen.match(/sha256:[0-9a-f]{51}\n +([0-9a-f]{13})/)?.[1]}
${'-'.repeat(80)}
decision          "approve"
by                "alice"
of a              "task"
request           "01JTASK0000000000000000000"
identity          "spiffe://example.org/agent/support-bot"
target            "payments"
impact            high impact
`);
  });

  it('C4: says all that is signed, and is read back as that', () => {
    fc.assert(
      fc.property(
        ANY_REQUEST,
        fc.constantFrom('approve' as const, 'reject' as const, 'withdraw' as const),
        (request, decision) => {
          const statement = { decision, human: 'bob', reason: decision === 'reject' ? 'too broad, ש' : null, request };
          const shown = renderScreen(statement);
          expect(readScreen(shown)).toEqual(statement);
          expect(statementText(readScreen(shown))).toBe(statementText(statement));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('C4: is drawn as it is whatever anybody wrote: within its columns, with nothing that acts or cannot be seen', () => {
    fc.assert(
      fc.property(ANY_REQUEST, (request) => {
        const shown = renderScreen(approve(request));
        for (const row of shown.split('\n')) {
          expect(columnsOf(row)).toBeLessThanOrEqual(SCREEN_COLUMNS);
          expect(row).not.toMatch(
            /[\p{C}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\u2800\ufffc\ufffd]/u,
          );
          expect(row.replaceAll(' ', '')).not.toMatch(/\p{Zs}/u);
          expect(row).not.toMatch(/(?:^|[\x20-\x7e])\p{M}|\p{M}{3}/u);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('C4: is another for another statement', () => {
    fc.assert(
      fc.property(ANY_REQUEST, ANY_REQUEST, (one, other) => {
        fc.pre(statementText(approve(one)) !== statementText(approve(other)));
        expect(renderScreen(approve(one))).not.toBe(renderScreen(approve(other)));
      }),
    );
  });

  it('C4: a value is never taken for a line, nor the end of a text for its end', () => {
    const purpose = `x"${' '.repeat(60)}decision "reject`;
    const shown = renderScreen(approve(taskRequest({ purpose })));
    expect(shown).toContain('purpose           "x\\" \\u{20}\\u{20}');
    expect(shown.split('\n').filter((row) => row.startsWith('decision'))).toEqual(
      Array(2).fill('decision          "approve"'),
    );
    expect(readScreen(shown).request.purpose).toBe(purpose);
  });

  it.each<[string, string, string[]]>([
    ['letters of another script', 'р', ['not ASCII: U+0440 Cyrillic']],
    ['a word of two scripts', 'pаy', ['U+0430 Cyrillic', 'letters of Latin and Cyrillic in one word']],
    ['quotes that are none', 'a” ends', ['not ASCII: U+201D other']],
    ['a language', '支払いの確認です。返金しますか', ['U+652F Han', ', and ']],
    ['a language from right to left', 'שלום', ['U+05E9 Hebrew']],
    ['a space that is none', 'a\u00a0b', ['"a\\u{a0}b"', 'U+00A0']],
    ['a mark that paints over a letter of ASCII', 'approve\u0338', ['"approve\\u{338}"']],
    ['marks piled up', `é${'\u0301'.repeat(5)}`, ['\\u{301}']],
    ['a blank that is a sign', 'a\u2800b', ['"a\\u{2800}b"']],
  ])('C4: notes %s', (_, purpose, notes) => {
    const shown = renderScreen(approve(taskRequest({ purpose })));
    for (const note of notes) expect(shown.replace(/\n {18}/g, '')).toContain(note);
    expect(readScreen(shown).request.purpose).toBe(purpose);
  });

  it('notes nothing of ASCII, nor of kanji and kana in one word', () => {
    expect(screen).not.toContain('\n!');
    expect(renderScreen(approve(taskRequest({ purpose: '支払い' })))).not.toContain('in one word');
  });

  it('C4: a path is shown in ASCII, and told as claimed', () => {
    const shown = renderScreen(approve(taskRequest({ executable: '/usr/bin/nоde\n"' })));
    expect(shown).toContain('program, claimed  "/usr/bin/n\\u{43e}de\\u{a}\\""');
  });

  it('says at its end what cannot be taken back, and of a grant how far it goes', () => {
    const shown = renderScreen(approve(grantRequest({ targets: [{ ...refunds, irrevocable: true }] })));
    expect(shown).toMatch(/impact {12}high impact, cannot be taken back\n$/);
    expect(shown).toContain('tasks at most     20\n');
    expect(shown).toContain('may delegate to   "spiffe://example.org/agent/mailer"\n');
  });

  it('C4: is shown of nothing that could not be signed', () => {
    expect(() => renderScreen(approve(taskRequest({ purpose: 'a\u001b[2J' })))).toThrow(Failure);
  });
});

describe('a screen that is none', () => {
  it.each([
    ['nothing', ''],
    ['a line less', screen.replace(/purpose.*\n/, '')],
    ['a line more', screen.replace('purpose', 'also\npurpose')],
    ['a line twice', screen.replace(/(purpose.*\n)/, '$1$1')],
    ['another decision at its end', screen.replace(/approve"(?![\s\S]*approve")/, 'reject"')],
    ['another identity at its end', screen.replace(/support-bot"(?![\s\S]*support-bot")/, 'other"')],
    ['another digest', screen.replace(/sha256:../, 'sha256:zz')],
    ['a note that is not due', screen.replace('ends  ', '!                 all is well\nends  ')],
    ['a time in other words', screen.replace('2026-03-01T12:20:00.000Z', '2026-03-01T12:20:00Z')],
    ['a text with a needless escape', screen.replace('"refund ', '"\\u{72}efund ')],
    ['a code point beyond the last', screen.replace('"refund ', '"\\u{110000}efund ')],
    ['a text that does not end', screen.replace('4711"', '4711')],
    ['a line that is broken elsewhere', screen.replace('refund ticket', `refund\n${' '.repeat(18)} ticket`)],
    ['white space at an end', screen.replace('4711"', '4711" ')],
    ['no line end', screen.slice(0, -1)],
    ['talk behind it', `${screen}yes\n`],
    ['a number of another form', screen.replace('1000\n', '01000\n')],
  ])('C4: is refused: %s', (_, text) => {
    expect(text).not.toBe(screen);
    expect(() => readScreen(text)).toThrow(Failure);
  });

  it('C4: is refused with any one letter otherwise', () => {
    fc.assert(
      fc.property(fc.nat(screen.length - 1), fc.constantFrom('x', ' ', '"', '0', '\n'), (at, letter) => {
        fc.pre(screen[at] !== letter);
        const changed = screen.slice(0, at) + letter + screen.slice(at + 1);
        // A field that is otherwise in both places that it stands in is another statement, and no less readable.
        try {
          expect(renderScreen(readScreen(changed))).toBe(changed);
          expect(statementText(readScreen(changed))).not.toBe(statementText(approve(taskRequest())));
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
        }
      }),
      { numRuns: 200 },
    );
  });
});
