// SPDX-License-Identifier: Apache-2.0
/** Numbers drawn from what is stored, each with its target and with what misses it. */

export type Verdict = 'met' | 'missed' | 'watch';
export type Unit = 'percent' | 'count' | 'seconds';

export interface MetricResult {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** Null where there is nothing that it could be drawn from. */
  readonly value: number | null;
  /** In words; null for what has none and is only watched. */
  readonly target: string | null;
  readonly verdict: Verdict;
  /** SPIFFE IDs, findings: what misses the target, or is worth a look. At most as many as were asked for. */
  readonly offenders: readonly string[];
  /** There are more than these. */
  readonly hasMore: boolean;
}

export interface ReportTerms {
  /** Milliseconds UTC. */
  readonly now: number;
  /** An identity that was not given out since then is unused. */
  readonly unusedSince: number;
  /** Issuances that ended before then are no longer there. */
  readonly keptSince: number;
}

/** Asked one at a time, in a thread of their own: nobody waits for them but whoever asks. */
export interface ReportStore {
  /** `offenders`: of each metric, 0..1000. Rejects with ('unavailable', 'REPORT_FAILED'). */
  take(terms: ReportTerms, offenders: number): Promise<readonly MetricResult[]>;
  /** Of one metric. */
  one(id: string, terms: ReportTerms, offenders: number): Promise<MetricResult>;
}
