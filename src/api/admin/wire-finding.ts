// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, what was found, and the report. */
import type { Int64, Paged } from './wire-values.ts';

export interface WireFinding {
  readonly id: Int64;
  readonly detector: string;
  readonly identity: string;
  readonly task: string;
  /** JSON. */
  readonly evidence: string;
  readonly opened_at: Int64;
  readonly last_seen_at: Int64;
  readonly count: Int64;
  readonly closed_at?: Int64;
  readonly closed_by: string;
  readonly resolution: string;
}

export interface WireMetric {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly value?: number;
  readonly target: string;
  readonly verdict: string;
  readonly offenders: readonly string[];
  readonly has_more: boolean;
}

export interface FindingRpcs {
  GetFinding: [{ readonly id: Int64 }, { readonly finding: WireFinding }];
  ListFindings: [
    { readonly open: boolean; readonly identity: string; readonly detector: string } & Paged,
    { readonly findings: readonly WireFinding[]; readonly next_page_token: string },
  ];
  CloseFinding: [{ readonly id: Int64; readonly resolution: string }, { readonly finding: WireFinding }];
  GetReport: [{ readonly offenders: number }, { readonly at: Int64; readonly metrics: readonly WireMetric[] }];
}
