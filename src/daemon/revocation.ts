// SPDX-License-Identifier: Apache-2.0
/** What was taken back, and the lists that say so. */
import type { X509Authority } from '../authority/authority.ts';
import type { ClockGuard } from '../authority/clock-guard.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closers } from '../lib/closers.ts';
import { Crls } from '../revocation/crls.ts';
import { Revocations } from '../revocation/revocations.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';

export async function startRevocation(rooms: {
  readonly config: Pick<Config, 'crl'>;
  readonly store: Store;
  readonly authority: X509Authority;
  readonly clockGuard: ClockGuard;
  readonly clock: Clock;
  readonly log: Logger;
  readonly closers: Closers;
}): Promise<{ readonly revocations: Revocations; readonly crls: Crls }> {
  const { config, store, authority, clockGuard, clock, log, closers } = rooms;
  const unexpired = store.revocations.unexpired(clock.now());
  const revocations = new Revocations({ unexpired, changes: store, clock });
  closers.add('revocations', async () => revocations.close());
  const refusal = () => clockGuard.check();
  const onClockJump = (listener: () => void) => clockGuard.onJump(listener);
  const { lifetimeMs } = config.crl;
  const crls = await Crls.start({ authority, revocations, refusal, onClockJump, lifetimeMs, clock, log });
  closers.add('revocation lists', () => crls.close());
  return { revocations, crls };
}
