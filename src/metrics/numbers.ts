// SPDX-License-Identifier: Apache-2.0
/** What there is to measure, put as families. */
import type { LatencySnapshot } from '../lib/latency-histogram.ts';
import type { MetricResult } from '../store/reports.ts';
import { byWord, type Family, gauge, histogram } from './exposition.ts';
import type { Drawn } from './report-cache.ts';

/** Everything as it stands now; counts are since the start. */
export interface Measured {
  readonly version: string;
  /** Milliseconds UTC. */
  readonly startedAt: number;
  readonly streams: number;
  readonly recorded: ReadonlyMap<string, number>;
  readonly refused: ReadonlyMap<string, number>;
  readonly commits: LatencySnapshot;
  /** By attestor. */
  readonly attestation: ReadonlyMap<string, LatencySnapshot>;
  readonly attestationWaiting: number;
  readonly storeTrouble: boolean;
  readonly events: number;
  /** How soon, in words, and how many active identities end or are to be reviewed by then. */
  readonly identitiesAhead: readonly (readonly [within: string, count: number])[];
  /** Milliseconds UTC; undefined while there is none. */
  readonly checkpointAt: number | undefined;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  readonly report: Drawn | undefined;
  readonly reportFailures: number;
}

const FINDINGS = 'findings-';

export function families(measured: Measured): readonly Family[] {
  return [...basics(measured), ahead(measured), ...latencies(measured), ...log(measured), ...reported(measured)];
}

function basics({ version, startedAt, streams, recorded, refused, residentBytes, cpuSeconds }: Measured): Family[] {
  return [
    byWord('assay_build_info', 'The version that runs.', 'gauge', 'version', [[version, 1]]),
    gauge('process_start_time_seconds', 'When the daemon started, since the epoch.', startedAt / 1_000),
    gauge('process_resident_memory_bytes', 'Memory of the daemon that is in use.', residentBytes),
    {
      name: 'process_cpu_seconds_total',
      help: 'Processor time of the daemon.',
      type: 'counter',
      samples: [{ value: cpuSeconds }],
    },
    gauge('assay_streams_open', 'Open streams on the workload socket.', streams),
    byWord('assay_issuances_total', 'SVIDs recorded, by kind.', 'counter', 'kind', recorded),
    byWord('assay_calls_refused_total', 'Calls on the workload socket that ended badly.', 'counter', 'reason', refused),
  ];
}

function ahead({ identitiesAhead }: Measured): Family {
  const help = 'Active identities that end or are to be reviewed so soon.';
  return byWord('assay_identities_ending', help, 'gauge', 'within', identitiesAhead);
}

function latencies({ commits, attestation, attestationWaiting, storeTrouble }: Measured): Family[] {
  const byAttestor = [...attestation].map(([attestor, snapshot]) => [{ attestor }, snapshot] as const);
  return [
    gauge('assay_store_trouble', '1 while nothing can be written, and nothing is issued.', storeTrouble ? 1 : 0),
    histogram('assay_commit_seconds', 'From the begin of a commit to its sync.', [[{}, commits]]),
    histogram('assay_attestation_seconds', 'How long attestors took, by attestor.', byAttestor),
    byWord(
      'assay_attestation_failures_total',
      'Looks of attestors that failed.',
      'counter',
      'attestor',
      [...attestation].map(([name, { failed }]) => [name, failed] as const),
    ),
    gauge('assay_attestation_waiting', 'Looks that wait for their turn.', attestationWaiting),
  ];
}

function log({ events, checkpointAt }: Measured): Family[] {
  return [
    gauge('assay_log_events', 'Events in the log.', events),
    gauge('assay_log_checkpoint_time_seconds', 'When it was last signed, since the epoch.', secondsOf(checkpointAt)),
  ];
}

function reported({ report, reportFailures }: Measured): Family[] {
  const failures = gauge('assay_report_failures', 'Reports that could not be drawn.', reportFailures);
  if (report === undefined) return [failures];
  const { metrics, at } = report;
  const values = metrics.flatMap(({ id, value }) => (value === null ? [] : [[id, value] as const]));
  const findings = metrics.filter(({ id }) => id.startsWith(FINDINGS));
  return [
    failures,
    gauge('assay_report_time_seconds', 'When these numbers of the report were drawn, since the epoch.', at / 1_000),
    byWord('assay_report', 'The numbers of assay report.', 'gauge', 'metric', values),
    byWord('assay_report_missed', '1 where a target is missed.', 'gauge', 'metric', missed(metrics)),
    byWord(
      'assay_findings_open',
      'Findings that nobody has closed, by detector.',
      'gauge',
      'detector',
      findings.map(({ id, value }) => [id.slice(FINDINGS.length), value ?? 0] as const),
    ),
  ];
}

function missed(metrics: readonly MetricResult[]): readonly (readonly [string, number])[] {
  return metrics
    .filter(({ verdict }) => verdict !== 'watch')
    .map(({ id, verdict }) => [id, verdict === 'missed' ? 1 : 0] as const);
}

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
