// SPDX-License-Identifier: Apache-2.0
/**
 * Free text that people read: refused, never cleaned, when it holds what repaints a screen or cannot be seen (attack C4).
 */
import { Failure, quote } from '../lib/failure.ts';
import { unfitIn } from '../lib/visible-text.ts';

/** Attack C4. */
export const FREE_TEXT_MAX = 200;
export const ENVIRONMENT_MAX = 64;
export const LABEL_KEY_MAX = 128;
export const LABELS_MAX = 64;
/** WAPI-17. */
export const HINT_MAX_BYTES = 1024;

/** The text itself, never empty, at most `max` characters. */
export function parseText(text: unknown, field: string, max: number): string {
  if (typeof text !== 'string') throw refusal(field, text, 'it is not text');
  if (text.trim() === '') throw refusal(field, text, 'it is empty');
  // guard: I9 test/registry/plain-text.test.ts
  if (text.length > max) throw refusal(field, text, `it has ${text.length} characters, at most ${max} are allowed`);
  refuseUnfit(text, field);
  return text;
}

/** Empty for none. */
export function parseHint(hint: unknown, field = 'hint'): string {
  if (typeof hint !== 'string') throw refusal(field, hint, 'it is not text');
  const bytes = Buffer.byteLength(hint);
  // guard: WAPI-17 test/registry/plain-text.test.ts
  if (bytes > HINT_MAX_BYTES)
    throw refusal(field, hint, `it has ${bytes} bytes, at most ${HINT_MAX_BYTES} are allowed`);
  refuseUnfit(hint, field);
  return hint;
}

function refuseUnfit(text: string, field: string): void {
  const unfit = unfitIn(text);
  // guard: C4 test/registry/plain-text.test.ts
  if (unfit !== undefined) throw refusal(field, text, `it holds ${unfit}`);
}

function refusal(field: string, text: unknown, broken: string): Failure {
  return new Failure('invalid-argument', 'TEXT_INVALID', `${field} ${quote(text)} is refused: ${broken}`, {
    field,
    value: quote(text),
    hint: 'write plain, visible text',
  });
}
