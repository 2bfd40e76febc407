// SPDX-License-Identifier: Apache-2.0
/** X.509-SVIDs of the daemon itself, for the listeners that show one. */
import type { X509Authority } from '../authority/authority.ts';
import type { ClockGuard } from '../authority/clock-guard.ts';
import type { Config } from '../config/config.ts';
import { SvidCertificate } from '../https/svid-certificate.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closers } from '../lib/closers.ts';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../telemetry/logger.ts';

/** As SPIRE's servers are called; nobody else can get it, since `/spire/…` cannot be registered. */
export const OWN_PATH = '/spire/server';
/** In the place of an entry's id, and no id of one. */
const NO_ENTRY = '#https';

export interface OwnSvidRooms {
  readonly config: Pick<Config, 'svid'>;
  readonly authority: X509Authority;
  readonly clockGuard: ClockGuard;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly closers: Closers;
}

/** Renewed until the daemon stops. */
export async function ownSvid(rooms: OwnSvidRooms, spiffeId: SpiffeId): Promise<SvidCertificate> {
  const { config, authority, clockGuard, clock, random, log, closers } = rooms;
  const source = await SvidCertificate.open({
    async mint() {
      const leaf = await authority.mintLeaf({
        entryId: NO_ENTRY,
        entryRevision: 1,
        spiffeId,
        dnsNames: [],
        ttlMs: config.svid.x509TtlMs,
        caps: [],
        keyType: config.svid.keyType,
      });
      return { ...leaf, chain: [leaf.certificateDer] };
    },
    onSignerChange: (listener) => authority.onChange(({ signerChanged }) => signerChanged && listener()),
    onClockJump: (listener) => clockGuard.onJump(listener),
    clock,
    random,
    log,
  });
  closers.add(`SVID of ${spiffeId}`, () => source.close());
  return source;
}
