// SPDX-License-Identifier: Apache-2.0
/** Reads the values of flags. What is wrong with one is wrong usage and names the flag. */
import { DURATION_HINT, parseDuration } from '../lib/duration.ts';
import { usage } from './usage.ts';

/** RFC 3339, section 5.6, with the zone required. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** Whole seconds. */
export function seconds(text: string, flag: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw usage(flag, text, 'is no duration', DURATION_HINT);
  if (ms === 0 || ms % 1_000 !== 0) throw usage(flag, text, 'is no whole number of seconds', DURATION_HINT);
  return ms / 1_000;
}

/** An instant: RFC 3339, or a duration from now. Milliseconds. */
export function whenFlag(text: string, flag: string, now: number): number {
  const ms = parseDuration(text);
  if (ms !== undefined) {
    if (ms === 0) throw usage(flag, text, 'is now', 'name a time to come, such as 90d or 2030-01-31T12:00:00Z');
    return now + ms;
  }
  const at = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) {
    throw usage(flag, text, 'is neither a time nor a duration', 'write 2030-01-31T12:00:00Z or 90d');
  }
  return at;
}

export interface LabelPair {
  readonly key: string;
  readonly value: string;
}

/** `K=V`; the value may be empty and may hold `=`. */
export function labels(texts: readonly string[], flag: string): readonly LabelPair[] {
  const seen = new Set<string>();
  return texts.map((text) => {
    const cut = text.indexOf('=');
    if (cut < 1) throw usage(flag, text, 'is not of the form K=V', `write ${flag} team=payments`);
    const key = text.slice(0, cut);
    if (seen.has(key)) throw usage(flag, text, 'gives a label twice', 'give each label once');
    seen.add(key);
    return { key, value: text.slice(cut + 1) };
  });
}

/** A positive whole number. */
export function count(text: string, flag: string, most: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > most) throw usage(flag, text, `is no whole number from 1 to ${most}`);
  return number;
}

/** The number of an event, from 0. */
export function sequence(text: string, flag: string): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (number < 0)
    throw usage(flag, text, 'is no number of an event', 'write a whole number, as assay audit query shows it');
  return number;
}
