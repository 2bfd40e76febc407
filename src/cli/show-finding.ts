// SPDX-License-Identifier: Apache-2.0
/** Findings as JSON and in words. */
import type { WireFinding } from '../api/admin/wire-finding.ts';
import { instant } from './print.ts';

export function findingJson(finding: WireFinding): object {
  return {
    id: Number(finding.id),
    detector: finding.detector,
    identity: finding.identity,
    task: finding.task === '' ? null : finding.task,
    evidence: JSON.parse(finding.evidence) as object,
    opened_at: instant(Number(finding.opened_at)),
    last_seen_at: instant(Number(finding.last_seen_at)),
    count: Number(finding.count),
    closed_at: finding.closed_at === undefined ? null : instant(Number(finding.closed_at)),
    closed_by: finding.closed_by === '' ? null : finding.closed_by,
    resolution: finding.resolution === '' ? null : finding.resolution,
  };
}

/** The evidence on a line. */
export function evidenceText({ evidence }: WireFinding): string {
  return Object.entries(JSON.parse(evidence) as object)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join(',') : String(value)}`)
    .join(' ');
}
