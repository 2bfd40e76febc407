// SPDX-License-Identifier: Apache-2.0
/** What detectors found: get, list, close; and the report. */
import { parseText } from '../../registry/plain-text.ts';
import { FINDING_KINDS, type FindingRecord } from '../../store/findings.ts';
import type { MetricResult } from '../../store/reports.ts';
import { nameOf } from './actor-name.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, invalid, missing, readCount, readPage, readWord } from './read-request.ts';
import type { Outgoing } from './wire.ts';
import type { FindingRpcs, WireFinding, WireMetric } from './wire-finding.ts';

const RESOLUTION_MAX = 200;
const MOST_OFFENDERS = 1_000;

export function findingRpcs({ findings, report, now }: AdminDeps): Handlers<keyof FindingRpcs> {
  return {
    GetFinding({ id }) {
      const finding = findings.get(readCount(id, 'id'));
      if (finding === undefined) throw missing('FINDING_NOT_FOUND', 'finding', id, 'list them: assay finding list');
      return { finding: showFinding(finding) };
    },
    ListFindings(request) {
      const filter = {
        open: request.open,
        identity: given(request.identity),
        detector: readWord(request.detector, FINDING_KINDS, 'detector'),
      };
      const { rows, next } = findings.list(filter, readPage(request));
      return { findings: rows.map(showFinding), next_page_token: next ?? '' };
    },
    async CloseFinding(request, { actor }) {
      const id = readCount(request.id, 'id');
      const resolution = parseText(request.resolution, 'resolution', RESOLUTION_MAX);
      return { finding: showFinding(await findings.close(id, resolution, nameOf(actor), now())) };
    },
    async GetReport({ offenders }) {
      // guard: I9 test/api/admin/findings.test.ts
      if (offenders < 0 || offenders > MOST_OFFENDERS)
        throw invalid(
          'NUMBER_INVALID',
          'offenders',
          String(offenders),
          `is not within 0 and ${MOST_OFFENDERS}`,
          `ask for at most ${MOST_OFFENDERS}`,
        );
      const at = now();
      return { at, metrics: (await report(offenders)).map(showMetric) };
    },
  };
}

function showFinding(finding: FindingRecord): Outgoing<WireFinding> {
  return {
    id: finding.id,
    detector: finding.detector,
    identity: finding.identity,
    task: finding.task ?? '',
    evidence: finding.evidence,
    opened_at: finding.openedAt,
    last_seen_at: finding.lastSeenAt,
    count: finding.count,
    closed_at: finding.closedAt ?? undefined,
    closed_by: finding.closedBy ?? '',
    resolution: finding.resolution ?? '',
  };
}

function showMetric({ value, target, hasMore, ...rest }: MetricResult): Outgoing<WireMetric> {
  return { ...rest, value: value ?? undefined, target: target ?? '', has_more: hasMore };
}
