// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FREE_TEXT_MAX, HINT_MAX_BYTES, parseHint, parseText } from '../../src/registry/plain-text.ts';
import { refusalOf } from '../support/refusal.ts';

describe('free text', () => {
  it.each(['pays invoices', 'Überweisung', '支払い', 'עברית', 'a', '"quoted" <b>', "it's 100 %"])(
    'takes %j',
    (text) => {
      expect(parseText(text, 'purpose', FREE_TEXT_MAX)).toBe(text);
    },
  );

  it.each([
    ['ESC', 'a\u001b[2Jb', 'U+001B'],
    ['CR', 'a\rb', 'U+000D'],
    ['LF', 'a\nb', 'U+000A'],
    ['NUL', 'a\0b', 'U+0000'],
    ['DEL', 'a\u007fb', 'U+007F'],
    ['C1', 'a\u009bb', 'U+009B'],
    ['right-to-left override', 'a\u202eb', 'U+202E'],
    ['a directional isolate', 'a\u2066b', 'U+2066'],
    ['an Arabic letter mark', 'a\u061cb', 'U+061C'],
    ['a zero-width space', 'a\u200bb', 'U+200B'],
    ['a zero-width joiner', 'a\u200db', 'U+200D'],
    ['a byte order mark', 'a\ufeffb', 'U+FEFF'],
    ['a soft hyphen', 'a\u00adb', 'U+00AD'],
    ['a Hangul filler', 'a\u3164b', 'U+3164'],
    ['a variation selector', 'a\ufe0fb', 'U+FE0F'],
    ['a tag character', 'a\u{e0041}b', 'U+E0041'],
    ['a line separator', 'a\u2028b', 'U+2028'],
    ['an unassigned character', 'a\u0378b', 'U+0378'],
    ['a private character', 'a\ue000b', 'U+E000'],
    ['half a surrogate pair', 'a\ud800b', 'U+D800'],
    ['the replacement character', 'a\ufffdb', 'U+FFFD'],
  ])('C4: refuses %s, naming the field and the character', (_, text, codePoint) => {
    for (const refused of [
      refusalOf(() => parseText(text, 'purpose', FREE_TEXT_MAX)),
      refusalOf(() => parseHint(text, 'purpose')),
    ]) {
      expect([refused.kind, refused.reason, refused.field]).toEqual(['invalid-argument', 'TEXT_INVALID', 'purpose']);
      expect(refused.message).toContain(codePoint);
      // The refusal itself repaints nothing.
      expect(refused.message).toMatch(/^[\x20-\x7e…]*$/);
    }
  });

  it('I9: refuses what is too long, saying how long it may be', () => {
    expect(parseText('x'.repeat(FREE_TEXT_MAX), 'owner', FREE_TEXT_MAX)).toHaveLength(200);
    const refused = refusalOf(() => parseText('x'.repeat(FREE_TEXT_MAX + 1), 'owner', FREE_TEXT_MAX));
    expect(refused.message).toContain('it has 201 characters, at most 200 are allowed');
  });

  it.each([
    ['nothing', ''],
    ['only spaces', '   '],
    ['a number', 7],
    ['null', null],
    ['an object', {}],
  ])('refuses %s', (_, text) => {
    expect(refusalOf(() => parseText(text, 'owner', FREE_TEXT_MAX)).field).toBe('owner');
  });

  it('C4: whatever is taken is visible and comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }), (text) => {
        let taken: string;
        try {
          taken = parseText(text, 'purpose', FREE_TEXT_MAX);
        } catch {
          return;
        }
        expect(taken).toBe(text);
        expect(taken).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u);
      }),
    );
  });
});

describe('a hint', () => {
  it('WAPI-17: has at most 1024 bytes, counted in UTF-8', () => {
    expect(parseHint('x'.repeat(HINT_MAX_BYTES))).toHaveLength(1024);
    expect(parseHint('ü'.repeat(512))).toHaveLength(512);
    for (const long of ['x'.repeat(1025), `x${'ü'.repeat(512)}`]) {
      const refused = refusalOf(() => parseHint(long));
      expect([refused.reason, refused.field]).toEqual(['TEXT_INVALID', 'hint']);
      expect(refused.message).toContain('it has 1025 bytes, at most 1024 are allowed');
    }
  });

  it('may be empty, which is none', () => {
    expect(parseHint('')).toBe('');
    expect(refusalOf(() => parseHint(3)).field).toBe('hint');
  });
});
