// SPDX-License-Identifier: Apache-2.0
/** The federation room over a real store and registry, against real endpoints, on a clock that stands. */
import { readBundle } from '../../src/bundle/document.ts';
import { bundlePoll } from '../../src/federation/bundle-poll.ts';
import { type ConfiguredRelationship, Federation } from '../../src/federation/federation.ts';
import { InitialBundles } from '../../src/federation/initial-bundle.ts';
import { LONGEST_MS, WITHOUT_HINT_MS } from '../../src/federation/schedule.ts';
import type { FederationTools } from '../../src/federation/tools.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { OPERATOR, openRoom, type Room } from '../registry/rooms.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import type { TestCa } from '../support/test-ca.ts';
import { PARTNER, trustIn } from './endpoints.ts';

export const NEVER_EARLY = { ...systemRandom, fraction: () => 0 };

export interface FederationBench extends Room {
  readonly federation: Federation;
  readonly log: RecordingLogger;

  /** The certificates that are stored, oldest first; undefined without a bundle. */
  stored(trustDomain?: string): readonly Buffer[] | undefined;
  /** By an operator. */
  byHand(cas: readonly TestCa[], trustDomain?: string): Promise<void>;
  /** Closes and starts it again over the same data, with this configuration. */
  restart(configured?: readonly ConfiguredRelationship[]): Promise<FederationBench>;
}

export async function openFederation(
  configured: readonly ConfiguredRelationship[] = [],
  over: Partial<FederationTools> = {},
): Promise<FederationBench> {
  return start(await openRoom(), configured, over);
}

async function start(
  room: Room,
  configured: readonly ConfiguredRelationship[],
  over: Partial<FederationTools>,
): Promise<FederationBench> {
  const { registry, store, clock } = room;
  const log = new RecordingLogger();
  const bundles: FederationTools['bundles'] = {
    get: (name) => registry.foreignBundle(name),
    put: (name, content, giver) => registry.putBundle(name, content, giver),
  };
  const trust = {
    ...trustIn(),
    anchorsOf: ({ name }: TrustDomain) => registry.foreignBundle(name)?.certificates,
  };
  const federation = await Federation.start(
    {
      own: TrustDomain.parse('td'),
      store,
      bundles,
      bundlePoll: bundlePoll({ bundles, read: (text) => readBundle('spiffe', text), trust, clock, log }),
      initialBundles: new InitialBundles(readBundle),
      most: 1_000,
      rules: { shortestMs: 60_000, withoutHintMs: WITHOUT_HINT_MS, longestMs: LONGEST_MS },
      clock,
      random: NEVER_EARLY,
      log,
      ...over,
    },
    configured,
  );
  return {
    ...room,
    federation,
    log,

    stored: (name = PARTNER) => registry.foreignBundle(name)?.certificates,
    byHand: async (cas, name = PARTNER) => {
      const certificates = cas.map(({ der }) => der);
      await registry.putBundle(name, { certificates, jwtKeys: [], sequence: null, refreshHintSeconds: null }, OPERATOR);
    },
    restart: async (next = configured) => {
      federation.close();
      return start(await room.reopen(), next, over);
    },
  };
}

export const webText = (url: string, trustDomain = PARTNER) => ({
  trustDomain,
  url,
  profile: 'https_web',
  endpointSpiffeId: undefined,
});

export const spiffeText = (url: string, endpointSpiffeId = `spiffe://${PARTNER}/spire/server`) => ({
  trustDomain: PARTNER,
  url,
  profile: 'https_spiffe',
  endpointSpiffeId,
});
