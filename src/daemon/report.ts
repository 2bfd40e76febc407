// SPDX-License-Identifier: Apache-2.0
/** The report on what is stored, drawn with what the configuration says of it. */
import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { MetricResult, ReportTerms } from '../store/reports.ts';
import type { Store } from '../store/store.ts';

export interface Report {
  terms(): ReportTerms;
  /** `offenders`: of each metric, at most. Whoever asks while one is drawn is given that one. */
  take(offenders: number): Promise<readonly MetricResult[]>;
}

export function reportOf(
  { detectors, retention }: Pick<Config, 'detectors' | 'retention'>,
  { reports }: Pick<Store, 'reports'>,
  clock: Clock,
): Report {
  const terms = (): ReportTerms => {
    const now = clock.now();
    return { now, unusedSince: now - detectors.unusedAfterMs, keptSince: now - retention.issuanceMs };
  };
  const drawing = new Map<number, Promise<readonly MetricResult[]>>();
  const take = (offenders: number): Promise<readonly MetricResult[]> => {
    const known = drawing.get(offenders);
    if (known !== undefined) return known;
    const fresh = reports.take(terms(), offenders).finally(() => drawing.delete(offenders));
    drawing.set(offenders, fresh);
    return fresh;
  };
  return { terms, take };
}
