// SPDX-License-Identifier: Apache-2.0
/** Reads the scalar parts of requests that every group has: pages, numbers, words out of a list. */
import { Failure, quote } from '../../lib/failure.ts';
import type { Page } from '../../store/store.ts';
import type { WireLabel } from './wire.ts';
import type { Int64 } from './wire-values.ts';

const MOST_ROWS = 1_000;
const ROWS_BY_DEFAULT = 100;
/** Tokens are ours and short; a longer one is not. */
const LONGEST_TOKEN = 1_024;
/** Year 9999, the last that GeneralizedTime can say (RFC 5280, 4.1.2.5.2). */
const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59);

export function readPage(request: { readonly page_size: number; readonly page_token: string }): Page {
  const { page_size: size, page_token: token } = request;
  // guard: I9 test/api/admin/pages.test.ts
  if (size < 0 || size > MOST_ROWS) {
    throw invalid(
      'PAGE_INVALID',
      'page_size',
      String(size),
      `is not within 1 and ${MOST_ROWS}`,
      `ask for at most ${MOST_ROWS}`,
    );
  }
  if (token.length > LONGEST_TOKEN)
    throw invalid('PAGE_TOKEN_INVALID', 'page_token', token, 'is not one of ours', 'start again without it');
  return { limit: size === 0 ? ROWS_BY_DEFAULT : size, ...(token === '' ? {} : { after: token }) };
}

/** A number that JavaScript holds exactly, not negative. */
export function readCount(value: Int64, field: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw invalid('NUMBER_INVALID', field, value, 'is not a number from 0 to 2^53', 'give a whole number');
  }
  return number;
}

export function readInstant(value: Int64, field: string): number {
  const at = readCount(value, field);
  if (at > LAST_INSTANT) throw invalid('TIME_INVALID', field, value, 'is after the year 9999', 'give an earlier time');
  return at;
}

/** Undefined for an empty text. */
export function given(text: string): string | undefined {
  return text === '' ? undefined : text;
}

export function readWord<W extends string>(text: string, words: readonly W[], field: string): W | undefined {
  if (text === '') return undefined;
  const word = words.find((one) => one === text);
  if (word !== undefined) return word;
  throw invalid('WORD_INVALID', field, text, `is none of: ${words.join(', ')}`, `use one of: ${words.join(', ')}`);
}

/** As a Map: `__proto__` is a label like any other (attack B7). A key twice is refused. */
export function readLabels(labels: readonly WireLabel[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const { key, value } of labels) {
    if (map.has(key)) throw invalid('LABEL_INVALID', 'labels', key, 'is given twice', 'give each label once');
    map.set(key, value);
  }
  return map;
}

/** A bundle as somebody wrote it. */
export function readDocument(document: Buffer, field: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(document);
  } catch (cause) {
    throw new Failure('invalid-argument', 'BUNDLE_INVALID', `${field}: is not text in UTF-8`, {
      field,
      hint: 'give PEM certificates or a SPIFFE bundle document',
      cause,
    });
  }
}

export function invalid(reason: string, field: string, value: string, why: string, hint: string): Failure {
  const shown = quote(value);
  return new Failure('invalid-argument', reason, `${field}: ${shown} ${why}`, { field, value: shown, hint });
}

export function missing(reason: string, what: string, value: string, hint: string): Failure {
  const shown = quote(value);
  return new Failure('not-found', reason, `there is no ${what} ${shown}`, { value: shown, hint });
}
