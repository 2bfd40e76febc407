// SPDX-License-Identifier: Apache-2.0
/** What a metric of the report is: one query, its target, and one query for what misses it. */
import type { MetricResult, ReportTerms, Unit, Verdict } from '../../reports.ts';

export type Target = { readonly atMost: number } | { readonly atLeast: number };

export interface Metric {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** One row with one number, or null. May name the parameters of `Parameters`. */
  readonly sql: string;
  /** Absent for what is only watched. */
  readonly target?: Target;
  /** Rows with one text, `@limit` of them. */
  readonly offenders?: string;
}

/** What a query may name. */
export interface Parameters {
  readonly now: number;
  readonly unused_since: number;
  readonly kept_since: number;
}

export function parametersOf({ now, unusedSince, keptSince }: ReportTerms): Parameters {
  return { now, unused_since: unusedSince, kept_since: keptSince };
}

export function verdictOf(value: number | null, target: Target | undefined): Verdict {
  if (target === undefined) return 'watch';
  if (value === null) return 'met';
  return ('atMost' in target ? value <= target.atMost : value >= target.atLeast) ? 'met' : 'missed';
}

export function wordsOf(target: Target | undefined, unit: Unit): string | null {
  if (target === undefined) return null;
  const [bound, number] = 'atMost' in target ? ['at most', target.atMost] : ['at least', target.atLeast];
  if (unit === 'percent') return `${bound} ${number} %`;
  return unit === 'seconds' ? `${bound} ${number} s` : number === 0 ? 'none' : `${bound} ${number}`;
}

export function resultOf(metric: Metric, value: number | null, found: readonly string[], most: number): MetricResult {
  const { id, title, unit, target } = metric;
  return {
    id,
    title,
    unit,
    value: value === null ? null : Math.round(value * 1_000) / 1_000,
    target: wordsOf(target, unit),
    verdict: verdictOf(value, target),
    offenders: found.slice(0, most),
    hasMore: found.length > most,
  };
}
