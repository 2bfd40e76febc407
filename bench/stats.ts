// SPDX-License-Identifier: Apache-2.0
/** Numbers and how they are printed: one row each, beside what they are compared with and the bar they must clear. */

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

export const ratio = (value: number): string => value.toFixed(2);

export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly beside: string;
  /** As design and README promise it; `-` when there is none. */
  readonly bar: string;
  /** Undefined when there is no bar. */
  readonly held: boolean | undefined;
}

export function printRow(row: Row): void {
  const verdict = row.held === undefined ? '' : row.held ? '  holds' : '  MISSED';
  console.log(`${row.what}\n    ${row.measured}\n    beside: ${row.beside}\n    bar: ${row.bar}${verdict}`);
}
