// SPDX-License-Identifier: Apache-2.0
/**
 * Text on a terminal that says exactly what it is (attack C4): in quotes, so that no value looks like something around it; with what
 * cannot be seen, or leans on its neighbours, written as `\u{200b}`; and read back to the same text.
 */
import { codePoint } from '../lib/visible-text.ts';

/** Letters, digits, signs and marks of Unicode that stand for themselves (UAX #44). */
const VISIBLE = /^[\p{L}\p{N}\p{P}\p{S}]$/u;
/** Signs by category that show nothing: BRAILLE PATTERN BLANK, OBJECT REPLACEMENT CHARACTER, MUSICAL SYMBOL NULL NOTEHEAD. */
const BLANK = new Set(['\u2800', '\ufffc', '\u{1d159}']);
const UNFIT = /^[\p{C}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\u{fffd}]$/u;
const MARK = /^\p{M}$/u;
const LETTER = /^\p{L}$/u;
const ASCII = /^[\x20-\x7e]$/;
/** No script stacks more on one letter in what people write. */
const MOST_MARKS = 2;
const QUOTED = /"(?:[^"\\]|\\["\\]|\\u\{[0-9a-f]{1,6}\})*"/y;
const SEPARATOR = ', ';

/** `asciiOnly` for paths and the like, which are no language: a letter that looks like another is never shown as one. */
export function quoted(text: string, asciiOnly = false): string {
  let shown = '';
  let before = '';
  let marks = 0;
  for (const character of text) {
    marks = MARK.test(character) ? marks + 1 : 0;
    const literal = ASCII.test(character)
      ? !(character === ' ' && before === ' ')
      : !asciiOnly && standsAlone(character, before, marks);
    if (character === '"' || character === '\\') shown += `\\${character}`;
    else shown += literal ? character : `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
    before = literal || character === ' ' ? character : '';
  }
  return `"${shown}"`;
}

function standsAlone(character: string, before: string, marks: number): boolean {
  if (UNFIT.test(character) || BLANK.has(character)) return false;
  if (VISIBLE.test(character)) return true;
  // A mark paints over what is before it. Letters of ASCII need none that is not part of another letter.
  const carried = (LETTER.test(before) && !ASCII.test(before)) || MARK.test(before);
  return MARK.test(character) && carried && marks <= MOST_MARKS;
}

/** The texts in a row of quoted ones; undefined where it is none. */
export function unquoted(shown: string): readonly string[] | undefined {
  const texts: string[] = [];
  for (let at = 0; at < shown.length; ) {
    if (texts.length > 0) {
      if (!shown.startsWith(SEPARATOR, at)) return undefined;
      at += SEPARATOR.length;
    }
    QUOTED.lastIndex = at;
    const found = QUOTED.exec(shown)?.[0];
    const text = found === undefined ? undefined : unescaped(found.slice(1, -1));
    if (found === undefined || text === undefined) return undefined;
    texts.push(text);
    at += found.length;
  }
  return texts;
}

function unescaped(text: string): string | undefined {
  const LAST = 0x10ffff;
  const points = [...text.matchAll(/\\u\{([0-9a-f]+)\}/g)].map(([, hex]) => Number.parseInt(hex as string, 16));
  if (points.some((point) => point > LAST)) return undefined;
  return text.replace(/\\(?:(["\\])|u\{([0-9a-f]+)\})/g, (_, same: string | undefined, hex: string) =>
    same === undefined ? String.fromCodePoint(Number.parseInt(hex, 16)) : same,
  );
}

export function quotedList(texts: readonly string[], asciiOnly = false): string {
  return texts.map((text) => quoted(text, asciiOnly)).join(SEPARATOR);
}

/** The scripts of Unicode with letters that look like others', and the larger ones besides. */
const SCRIPTS = [
  ...['Latin', 'Cyrillic', 'Greek', 'Armenian', 'Cherokee', 'Coptic', 'Lisu', 'Han', 'Hiragana', 'Katakana', 'Hangul'],
  ...['Hebrew', 'Arabic', 'Devanagari', 'Thai'],
].map((name) => [name, new RegExp(`^\\p{Script=${name}}$`, 'u')] as const);
const WORD = /[\p{L}\p{M}]+/gu;
/** Written together in one word without anybody meaning to deceive. */
const TOGETHER = new Set(['Han', 'Hiragana', 'Katakana', 'Hangul']);
const MOST_NAMED = 8;

/** What whoever reads `text` should know of its letters, in ASCII; nothing for ASCII alone. */
export function notesOn(text: string): readonly string[] {
  const others = [...new Set(text)].filter((character) => !ASCII.test(character));
  if (others.length === 0) return [];
  const named = others.slice(0, MOST_NAMED).map((one) => `${codePoint(one)} ${scriptOf(one)}`);
  const more = others.length > MOST_NAMED ? `, and ${others.length - MOST_NAMED} more` : '';
  const notes = [`not ASCII: ${named.join(', ')}${more}`];
  for (const [word] of text.matchAll(WORD)) {
    const scripts = new Set([...word].map(scriptOf).filter((script) => script !== OTHER));
    if (scripts.size > 1 && ![...scripts].every((script) => TOGETHER.has(script)))
      return [...notes, `letters of ${[...scripts].join(' and ')} in one word: they may not be what they look like`];
  }
  return notes;
}

const OTHER = 'other';

function scriptOf(character: string): string {
  return SCRIPTS.find(([, pattern]) => pattern.test(character))?.[0] ?? OTHER;
}
