// SPDX-License-Identifier: Apache-2.0
/** Which characters people cannot see, or which repaint what they see (attack C4). */

/** Unicode general categories and properties (UAX #44): each with the words for an error. */
const UNFIT: readonly (readonly [RegExp, string])[] = [
  [/\p{Cc}/u, 'a control character'],
  [/\p{Bidi_Control}/u, 'a character that turns the direction of text'],
  [/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Zl}\p{Zp}]/u, 'an invisible character'],
  [/[\p{Cn}\p{Co}\p{Cs}\u{FFFD}]/u, 'an unassigned or replacement character'],
];

/** Words for the first of them, `a control character, U+001B`; undefined where there is none. */
export function unfitIn(text: string): string | undefined {
  for (const [pattern, words] of UNFIT) {
    const found = pattern.exec(text);
    if (found !== null) return `${words}, ${codePoint(found[0])}`;
  }
  return undefined;
}

/** `U+001B`. */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
