// SPDX-License-Identifier: Apache-2.0
/** The thread that draws the report, over a connection that only reads. Everything is read at one moment. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import Database, { type Statement } from 'better-sqlite3';
import type { MetricResult, ReportTerms } from '../../reports.ts';
import { type Metric, type Parameters, parametersOf, resultOf } from './metric.ts';
import { METRICS } from './metrics.ts';

export interface ReportOrder {
  readonly terms: ReportTerms;
  readonly offenders: number;
  /** One metric, or all. */
  readonly id: string | undefined;
}

export type ReportAnswer = { readonly results: readonly MetricResult[] } | { readonly trouble: string };

const port = parentPort as MessagePort;
const db = new Database((workerData as { readonly databasePath: string }).databasePath, { readonly: true });

port.on('message', (order: ReportOrder) => port.postMessage(answer(order)));

function answer({ terms, offenders, id }: ReportOrder): ReportAnswer {
  try {
    const chosen = METRICS.filter((metric) => id === undefined || metric.id === id);
    const draw = db.transaction(() => chosen.map((metric) => take(metric, parametersOf(terms), offenders)));
    return { results: draw() };
  } catch (error) {
    return { trouble: (error as Error).message };
  }
}

function take(metric: Metric, parameters: Parameters, most: number): MetricResult {
  const value = bound(db.prepare(metric.sql).pluck(), parameters, 'get') as number | null | undefined;
  const { offenders } = metric;
  // One more than asked for tells whether there are more.
  const found =
    offenders === undefined || most === 0
      ? []
      : (bound(db.prepare(offenders).pluck(), { ...parameters, limit: most + 1 }, 'all') as readonly string[]);
  return resultOf(metric, value ?? null, found, most);
}

/** A parameter that a query does not name is not handed to it. */
function bound(
  statement: Statement,
  parameters: Parameters & { readonly limit?: number },
  how: 'get' | 'all',
): unknown {
  const named = Object.entries(parameters).filter(([name]) => statement.source.includes(`@${name}`));
  return named.length === 0 ? statement[how]() : statement[how](Object.fromEntries(named));
}
