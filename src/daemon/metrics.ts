// SPDX-License-Identifier: Apache-2.0
/** The metrics listener with what it tells; loaded only where the configuration has one. */
import type { AttestationEngine } from '../attestation/engine.ts';
import type { Config } from '../config/config.ts';
import { showAddress } from '../config/https.ts';
import type { Standings } from '../issuance/standings.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closers } from '../lib/closers.ts';
import { formatDuration } from '../lib/duration.ts';
import { exposition } from '../metrics/exposition.ts';
import { MetricsListener } from '../metrics/listener.ts';
import { families, type Measured } from '../metrics/numbers.ts';
import { ReportCache } from '../metrics/report-cache.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Tally } from '../telemetry/tally.ts';
import type { Report } from './report.ts';

export interface MetricsRooms {
  readonly daemon: { readonly version: string; readonly startedAt: number };
  readonly store: Store;
  readonly storeTrouble: () => Error | undefined;
  readonly ahead: () => Promise<readonly number[]>;
  readonly standings: Pick<Standings, 'size'>;
  readonly attestation: Pick<AttestationEngine, 'latency' | 'waiting'>;
  readonly ledger: Pick<Ledger, 'recorded'>;
  readonly refused: Tally;
  readonly report: Pick<Report, 'take'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly closers: Closers;
}

export async function startMetrics(
  { metrics, lifecycle }: Pick<Config, 'metrics' | 'lifecycle'>,
  { clock, log, closers, ...rooms }: MetricsRooms,
): Promise<void> {
  if (metrics === undefined) return;
  const { listen } = metrics;
  const spans = lifecycle.announceMs.map((ms) => formatDuration(ms));
  const cache = new ReportCache(() => rooms.report.take(0), clock);
  const text = async (): Promise<string> => exposition(families(await measure(rooms, cache, spans)));
  const listener = await MetricsListener.start({ ...listen, text, clock, log });
  closers.add('metrics listener', () => listener.close());
  log.info({ listen: showAddress(listen) }, 'the metrics listener is open');
}

async function measure(
  rooms: Omit<MetricsRooms, 'clock' | 'log' | 'closers'>,
  cache: ReportCache,
  spans: readonly string[],
): Promise<Measured> {
  const { daemon, store, standings, attestation, ledger, refused } = rooms;
  const report = await cache.current();
  const { user, system } = process.cpuUsage();
  return {
    ...daemon,
    streams: standings.size,
    identitiesAhead: (await rooms.ahead()).map((count, at) => [spans[at] as string, count] as const),
    recorded: ledger.recorded,
    refused: refused.counts,
    commits: store.commitLatency,
    attestation: attestation.latency,
    attestationWaiting: attestation.waiting,
    storeTrouble: rooms.storeTrouble() !== undefined,
    events: store.audit.head().size,
    checkpointAt: store.audit.latestCheckpoint()?.at,
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1_000_000,
    report,
    reportFailures: cache.failures,
  };
}
