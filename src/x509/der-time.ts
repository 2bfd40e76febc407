// SPDX-License-Identifier: Apache-2.0
/** Validity dates (RFC 5280 section 4.1.2.5): UTCTime through 2049, GeneralizedTime from 2050, whole seconds, Z. */
import { type DerCursor, invalid, TAG } from './der.ts';

/** The first instant that is written as GeneralizedTime. */
export const GENERALIZED_FROM = Date.UTC(2050, 0, 1);
/** UTCTime's first year (RFC 5280 section 4.1.2.5.1). */
const UTC_TIME_FROM = Date.UTC(1950, 0, 1);
/** 9999-12-31T23:59:59Z, the last date there is. */
export const LAST_DATE = Date.UTC(9999, 11, 31, 23, 59, 59);

const Z = 0x5a;

export function isGeneralized(ms: number): boolean {
  return ms >= GENERALIZED_FROM || ms < UTC_TIME_FROM;
}

/** `250131235959Z` or `20500101000000Z`, by the date. */
export function timeText(ms: number): string {
  const text = Buffer.alloc(isGeneralized(ms) ? 15 : 13);
  writeTime(text, 0, ms);
  return text.toString('latin1');
}

/** The same, into `bytes` at `at`. */
export function writeTime(bytes: Buffer, at: number, ms: number): void {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  let next = at;
  if (isGeneralized(ms)) next = putTwo(bytes, next, Math.floor(year / 100));
  next = putTwo(bytes, next, year % 100);
  next = putTwo(bytes, next, date.getUTCMonth() + 1);
  next = putTwo(bytes, next, date.getUTCDate());
  next = putTwo(bytes, next, date.getUTCHours());
  next = putTwo(bytes, next, date.getUTCMinutes());
  next = putTwo(bytes, next, date.getUTCSeconds());
  bytes[next] = Z;
}

function putTwo(bytes: Buffer, at: number, number: number): number {
  const tens = Math.trunc(number / 10);
  bytes[at] = 0x30 + tens;
  bytes[at + 1] = 0x30 + number - 10 * tens;
  return at + 2;
}

/** Milliseconds UTC. */
export function readTime(cursor: DerCursor, what: string): number {
  const { tag, bytes, from, to } = cursor.next(what);
  const generalized = tag === TAG.generalizedTime;
  if (!generalized && tag !== TAG.utcTime) throw invalid(what, 'it is neither UTCTime nor GeneralizedTime');
  // guard: X509-29 test/x509/parse.test.ts
  if (to - from !== (generalized ? 15 : 13) || bytes[to - 1] !== Z) {
    throw invalid(what, 'it is not written to the second with a final Z');
  }
  const at = generalized ? from + 2 : from;
  const short = digits(bytes, at, what);
  const century = generalized ? digits(bytes, from, what) : short < 50 ? 20 : 19;
  const year = century * 100 + short;
  const month = digits(bytes, at + 2, what);
  const day = digits(bytes, at + 4, what);
  const hour = digits(bytes, at + 6, what);
  const minute = digits(bytes, at + 8, what);
  const second = digits(bytes, at + 10, what);
  // guard: X509-16 test/x509/parse.test.ts — Date would roll 30 February over to March
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) {
    throw invalid(what, 'there is no such date');
  }
  const ms = utc(year, month, day, hour, minute, second);
  // guard: X509-29 test/x509/parse.test.ts
  if (generalized !== isGeneralized(ms))
    throw invalid(what, 'UTCTime is for 1950 through 2049, GeneralizedTime for the rest');
  return ms;
}

/** Date.UTC reads the years 0 to 99 as 1900 to 1999. */
function utc(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  if (year >= 100) return Date.UTC(year, month - 1, day, hour, minute, second);
  return new Date(0).setUTCFullYear(year, month - 1, day) + ((hour * 60 + minute) * 60 + second) * 1000;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

function digits(bytes: Buffer, at: number, what: string): number {
  const tens = bytes[at]! - 0x30;
  const ones = bytes[at + 1]! - 0x30;
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw invalid(what, 'it is not made of digits');
  return tens * 10 + ones;
}
