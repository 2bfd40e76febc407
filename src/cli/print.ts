// SPDX-License-Identifier: Apache-2.0
/** How things look: one JSON document for programs (`docs/cli-output.md`), words for people, and errors for both. */
import { formatDuration } from '../lib/duration.ts';
import type { Failure } from '../lib/failure.ts';
import type { Io } from './io.ts';

export type Format = 'text' | 'json';

export function printJson(io: Io, value: object): void {
  io.out(`${jsonText(value, 2)}\n`);
}

/** What moves the cursor, colours, hides or turns text around (attack C4). */
const ACTS = /[\p{C}\u2028\u2029]/gu;

/** Outside text on a terminal. */
export function plain(text: string): string {
  return text.replace(ACTS, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

/** The same as JSON says it; JSON.stringify leaves all of it but the first 32. Its own line ends, with `indent`, stay. */
export function jsonText(value: object, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(ACTS, (c) =>
    c === '\n' ? c : [...Array(c.length).keys()].map((at) => `\\u${hex4(c.charCodeAt(at))}`).join(''),
  );
}

function hex4(unit: number): string {
  return unit.toString(16).padStart(4, '0');
}

/** `name  value` lines with the values in one column; an undefined value is left out. */
export function printFields(io: Io, fields: readonly (readonly [string, string | undefined])[]): void {
  const shown = fields.filter((field): field is readonly [string, string] => field[1] !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  for (const [name, value] of shown) io.out(`${name.padEnd(width)}  ${plain(value)}\n`);
}

/** Columns under a heading. The last column is not padded. */
export function printTable(
  io: Io,
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  withHeading = true,
): void {
  const cells = [heading, ...rows.map((row) => row.map(plain))];
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  for (const row of withHeading ? cells : cells.slice(1)) {
    io.out(
      `${row
        .map((cell, column) => cell.padEnd(column === row.length - 1 ? 0 : widths[column]!))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
}

/** RFC 3339 in UTC; milliseconds only where there are some. */
export function instant(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** `2026-01-01T00:00:00Z (in 59m)`. */
export function when(ms: number, now: number): string {
  return `${instant(ms - (ms % 1_000))} (${relative(ms, now)})`;
}

export function relative(ms: number, now: number): string {
  const distance = Math.abs(ms - now);
  if (distance < 1_000) return 'now';
  return ms > now ? `in ${rough(distance)}` : `${rough(distance)} ago`;
}

/** The two largest units that matter: `364d23h`, `59m58s`. */
function rough(ms: number): string {
  const parts = formatDuration(ms - (ms % 1_000)).match(/\d+[a-z]+/g) ?? [];
  return parts.slice(0, 2).join('');
}

export function printFailure(io: Io, format: Format, failure: Failure): void {
  const { kind, reason, message, field, value, hint } = failure;
  if (format === 'json') {
    const error = { kind, reason, message, field: field ?? null, value: value ?? null, hint: hint ?? null };
    io.talk(`${jsonText({ error })}\n`);
    return;
  }
  io.talk(`assay: ${plain(message)}\n`);
  if (hint !== undefined) io.talk(`  next: ${plain(hint)}\n`);
}
