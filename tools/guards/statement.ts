// SPDX-License-Identifier: Apache-2.0
/**
 * Finds where the statement that starts at an offset ends, in TypeScript as biome formats it. Not a parser: a scanner that
 * knows strings, templates, comments, regular expressions and brackets, which is all that "up to the `;` or the
 * closing `}`" needs. A guard may also stand before one element of a list (an option, an argument): then it ends
 * with its comma.
 */

/** After these a `/` starts a regular expression, not a division. */
const REGEX_AFTER_WORD = new Set(['return', 'typeof', 'case', 'in', 'of', 'do', 'else', 'void', 'delete', 'await']);
/** Statements that a block ends, whatever follows. */
const BLOCK_STARTS =
  /^(?:if|for|while|switch|try|do|\{|(?:export\s+)?(?:default\s+)?(?:async\s+)?function|class)\b|^\{/;
/** Words that carry a statement on after a block. */
const CONTINUATIONS = /^(?:else|catch|finally)\b/;
/** What follows a `}` when the expression goes on. */
const GOES_ON = /^(?:[;,.)\]?([{=|&+\-*/<>:`]|as\b|satisfies\b|in\b|instanceof\b|of\b)/;

/** The offset just past a string, template, comment or regular expression at `at`; `at` itself when there is none. */
function skipOpaque(text: string, at: number, regexAllowed: boolean): number {
  const c = text[at];
  if (c === "'" || c === '"') return skipQuoted(text, at, c);
  if (c === '`') return skipTemplate(text, at);
  if (c !== '/') return at;
  if (text[at + 1] === '/') return endOf(text.indexOf('\n', at), text.length);
  if (text[at + 1] === '*') return endOf(text.indexOf('*/', at + 2), text.length - 2) + 2;
  return regexAllowed ? skipRegex(text, at) : at;
}

const endOf = (found: number, otherwise: number): number => (found < 0 ? otherwise : found);

function skipQuoted(text: string, at: number, quote: string): number {
  let i = at + 1;
  while (i < text.length && text[i] !== quote) i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

function skipTemplate(text: string, at: number): number {
  let i = at + 1;
  while (i < text.length && text[i] !== '`') {
    if (text[i] === '\\') i += 2;
    else if (text[i] === '$' && text[i + 1] === '{') i = skipBraces(text, i + 1);
    else i += 1;
  }
  return i + 1;
}

/** Past the `}` that closes the `{` at `at`. */
function skipBraces(text: string, at: number): number {
  let depth = 0;
  for (const piece of pieces(text, at)) {
    if (piece.char === '{') depth += 1;
    if (piece.char === '}') depth -= 1;
    if (depth === 0) return piece.at + 1;
  }
  return text.length;
}

function skipRegex(text: string, at: number): number {
  let inClass = false;
  let i = at + 1;
  for (; i < text.length && text[i] !== '\n'; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '[') inClass = true;
    else if (text[i] === ']') inClass = false;
    else if (text[i] === '/' && !inClass) break;
  }
  i += 1;
  while (/[a-z]/.test(text[i] ?? '')) i += 1;
  return i;
}

/** Every character of code from `at` on: what lies inside strings, templates, comments and regexes is left out. */
function* pieces(text: string, at: number): Generator<{ readonly at: number; readonly char: string }> {
  let before = '';
  for (let i = at; i < text.length; ) {
    const past = skipOpaque(text, i, regexMayStart(before));
    if (past > i) {
      if (text[i] !== '/' || (text[i + 1] !== '/' && text[i + 1] !== '*')) before = 'x';
      i = past;
      continue;
    }
    const char = text[i] as string;
    if (/[\w$]/.test(char)) before = /[\w$]$/.test(before) && /[\w$]/.test(text[i - 1] ?? '') ? before + char : char;
    else if (!/\s/.test(char)) before = char;
    yield { at: i, char };
    i += 1;
  }
}

/** The text with everything blanked that is not code: comments, and the insides of strings, templates and regexes. */
export function codeOnly(text: string): string {
  const kept = text.replace(/[^\n]/g, ' ').split('');
  for (const { at, char } of pieces(text, 0)) kept[at] = char;
  return kept.join('');
}

const regexMayStart = (before: string): boolean =>
  before === '' || '(,=:[!&|?{};+-*%<>~^'.includes(before) || REGEX_AFTER_WORD.has(before);

/** The offset of the first code at or after `at`: blanks and comments skipped. */
export function codeStart(text: string, at: number): number {
  for (const piece of pieces(text, at)) if (!/\s/.test(piece.char)) return firstOpaque(text, at, piece.at);
  return firstOpaque(text, at, text.length);
}

/** A string, template or regex that `pieces` jumped over is code too. */
function firstOpaque(text: string, from: number, to: number): number {
  let i = from;
  while (i < to) {
    if (/\s/.test(text[i] as string)) i += 1;
    else if (text.startsWith('//', i) || text.startsWith('/*', i)) i = skipOpaque(text, i, false);
    else return i;
  }
  return to;
}

/** The offset just past the statement (or list element) that starts at `start`. */
export function statementEnd(text: string, start: number): number {
  const block = BLOCK_STARTS.test(text.slice(start, start + 60));
  const isDo = /^do\b/.test(text.slice(start, start + 3));
  let depth = 0;
  let comma = -1;
  for (const { at, char } of pieces(text, start)) {
    if ('([{'.includes(char)) depth += 1;
    if (')]}'.includes(char)) depth -= 1;
    if (depth < 0) return comma >= 0 ? comma + 1 : trimmedEnd(text, start, at);
    if (depth > 0) continue;
    if (char === ',' && comma < 0) comma = at;
    if (char !== ';' && char !== '}') continue;
    const rest = text.slice(codeStart(text, at + 1), codeStart(text, at + 1) + 12);
    if (CONTINUATIONS.test(rest) && block) continue;
    if (char === ';') return at + 1;
    if (isDo && /^while\b/.test(rest)) continue;
    if (block ? !rest.startsWith('{') : !GOES_ON.test(rest)) return at + 1;
  }
  return text.length;
}

const trimmedEnd = (text: string, start: number, at: number): number => start + text.slice(start, at).trimEnd().length;
