// SPDX-License-Identifier: Apache-2.0
/** What a text in quotes says (hashicorp/hcl v1.0.0, hcl/strconv/quote.go): Go's escapes, and `${ }` as it stands. */

const SIMPLE: ReadonlyMap<string, string> = new Map([
  ['a', '\u0007'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\u000b'],
  ['\\', '\\'],
  ['"', '"'],
]);
const PART = /\$\{|\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))|[^\\\n]/suy;

/** Undefined: it holds an escape that there is not. */
export function unquote(raw: string): string | undefined {
  let text = '';
  PART.lastIndex = 0;
  while (PART.lastIndex < raw.length) {
    const from = PART.lastIndex;
    const part = PART.exec(raw);
    if (part === null) return undefined;
    if (part[0] === '${') {
      const end = endOfBraces(raw, PART.lastIndex);
      text += raw.slice(from, end);
      PART.lastIndex = end;
      continue;
    }
    const character = unescaped(part);
    if (character === undefined) return undefined;
    text += character;
  }
  return text;
}

function unescaped([whole, simple, byte, short, long, octal]: RegExpExecArray): string | undefined {
  if (simple !== undefined) return SIMPLE.get(simple);
  const hex = byte ?? short ?? long;
  const code =
    hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : undefined;
  if (code === undefined) return whole;
  // A single byte above 0x7f is no character of UTF-8, nor is half a surrogate pair.
  const isByte = byte !== undefined || octal !== undefined;
  if ((isByte && code > 0x7f) || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return String.fromCodePoint(code);
}

function endOfBraces(raw: string, from: number): number {
  let depth = 1;
  for (let at = from; at < raw.length; at += 1) {
    if (raw[at] === '{') depth += 1;
    if (raw[at] === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return raw.length;
}
