// SPDX-License-Identifier: Apache-2.0
/**
 * Pages of rows for people. Reading is synchronous on the main thread, so one call looks at a bounded window of rows: a
 * filter that few rows pass gives short pages that name a next one, never a stall.
 */
import type { Database } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { Listed, Page } from '../store.ts';

/** Rows looked at in one call, about 10 ms. */
const WINDOW = 5_000;
const PAGE_MAX = 1_000;

export type Value = string | number;

/** Conditions that all must hold, with their values in order. */
export class Conditions {
  readonly sql: string[] = [];
  readonly values: Value[] = [];

  when(value: Value | undefined, sql: string): void {
    if (value === undefined) return;
    this.sql.push(sql);
    this.values.push(value);
  }

  also(sql: string, values: readonly Value[]): void {
    this.sql.push(sql);
    this.values.push(...values);
  }

  toString(): string {
    return this.sql.length === 0 ? '' : `WHERE ${this.sql.join(' AND ')}`;
  }
}

export interface Where {
  /** What an index answers, on columns of `t`; the window is counted within it. */
  readonly scope: Conditions;
  /** What has to be looked at row by row. */
  readonly filter: Conditions;
}

export interface Listing<Row> {
  /** The table and its joins, `t` being the one that is listed. */
  readonly columns: string;
  readonly from: string;
  /** The columns of the order, each of `t`, unique together. */
  readonly key: readonly string[];
  readonly descending: boolean;
  readonly row: (values: readonly unknown[]) => Row;
  readonly keyOf: (row: Row) => readonly Value[];
}

export function listPage<Row>(db: Database, listing: Listing<Row>, where: Where, page: Page): Listed<Row> {
  // guard: I9 test/store/listing.test.ts
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > PAGE_MAX) throw badLimit(page.limit);
  const { columns, from, key, descending } = listing;
  const names = `(${key.map((column) => `t.${column}`).join(', ')})`;
  const marks = `(${key.map(() => '?').join(', ')})`;
  const order = `ORDER BY ${key.map((column) => `t.${column}${descending ? ' DESC' : ''}`).join(', ')}`;
  const conditions = new Conditions();
  for (const [i, sql] of where.scope.sql.entries()) conditions.when(where.scope.values[i], sql);
  if (page.after !== undefined) {
    conditions.also(`${names} ${descending ? '<' : '>'} ${marks}`, parseCursor(page.after, key.length));
  }
  const end = db
    .prepare(`SELECT ${names.slice(1, -1)} FROM ${from.split(' ')[0]} t ${conditions} ${order} LIMIT 1 OFFSET ?`)
    .raw()
    .get(...conditions.values, WINDOW - 1) as Value[] | undefined;
  if (end !== undefined) conditions.also(`${names} ${descending ? '>=' : '<='} ${marks}`, end);
  for (const [i, sql] of where.filter.sql.entries()) conditions.when(where.filter.values[i], sql);
  const found = db
    .prepare(`SELECT ${columns} FROM ${from} ${conditions} ${order} LIMIT ?`)
    .raw()
    .all(...conditions.values, page.limit) as (readonly unknown[])[];
  const rows = found.map(listing.row);
  const last = rows.length === page.limit ? listing.keyOf(rows.at(-1) as Row) : end;
  return last === undefined ? { rows } : { rows, next: JSON.stringify(last) };
}

function parseCursor(text: string, length: number): readonly Value[] {
  try {
    const values: unknown = JSON.parse(text);
    const fits = (value: unknown): value is Value => typeof value === 'string' || Number.isSafeInteger(value);
    if (Array.isArray(values) && values.length === length && values.every(fits)) return values;
  } catch {
    // Refused below.
  }
  throw new Failure(
    'invalid-argument',
    'PAGE_TOKEN_INVALID',
    `page ${quote(text)} is refused: it names no page of this list`,
    {
      field: 'page',
      value: quote(text),
      hint: 'begin again without it',
    },
  );
}

function badLimit(limit: number): Failure {
  return new Failure('invalid-argument', 'PAGE_INVALID', `a page of ${limit} rows is refused: 1 to ${PAGE_MAX}`, {
    field: 'limit',
    value: String(limit),
  });
}
