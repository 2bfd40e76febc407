// SPDX-License-Identifier: Apache-2.0
/** The detectors with what they look through. */
import type { Config } from '../config/config.ts';
import { Detectors } from '../detectors/detectors.ts';
import type { Lent } from '../detectors/rules.ts';
import { WATCHED, type WatchRooms } from '../detectors/watch.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closers } from '../lib/closers.ts';
import type { PeerPlatform } from '../peer/platform.ts';
import { subjectOf } from '../store/records.ts';
import type { ReportTerms } from '../store/reports.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type SuspensionRooms, Suspensions } from './suspensions.ts';

export interface DetectorParts {
  readonly store: Pick<Store, 'findings' | 'reports' | 'bySerial'>;
  readonly registry: SuspensionRooms['registry'];
  readonly platform: Pick<PeerPlatform, 'background'>;
  readonly holdersOf: WatchRooms['holdersOf'];
  readonly terms: () => ReportTerms;
  readonly clock: Clock;
  readonly closers: Closers;
  readonly log: Logger;
}

/** A detector that needs a look at the processes themselves is on. */
export function looksAtCallers({ detectors: { actions } }: Pick<Config, 'detectors'>): boolean {
  return WATCHED.some((detector) => actions[detector] !== 'off');
}

export function startDetectors({ detectors }: Pick<Config, 'detectors'>, parts: DetectorParts): Detectors {
  const { store, platform, closers, ...rest } = parts;
  const { findings, reports } = store;
  const { actions, thresholds, withinMs } = detectors;
  const suspensions = new Suspensions(parts);
  closers.add('suspensions', async () => suspensions.close());
  const { background } = platform;
  const started = new Detectors({
    ...{ ...rest, findings, reports, background, actions, thresholds, withinMs },
    lent: (serial) => lentUnder(store, serial),
    suspend: (identity, detector) => suspensions.suspend(identity, detector),
  });
  closers.add('detectors', () => started.close());
  return started;
}

function lentUnder(store: DetectorParts['store'], serial: string): Lent | undefined {
  const row = store.bySerial(serial);
  if (row === undefined || row.task === null) return undefined;
  return { task: row.task, identity: row.spiffeId, subject: subjectOf(row) };
}
