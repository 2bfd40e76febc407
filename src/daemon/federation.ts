// SPDX-License-Identifier: Apache-2.0
/** The federation room made of the others, and what `assay doctor` says of it. */
import type { X509Authority } from '../authority/authority.ts';
import { readBundle } from '../bundle/document.ts';
import type { Config } from '../config/config.ts';
import type { RelationshipConfig } from '../config/federation.ts';
import { readTrustedFile } from '../config/trusted-file.ts';
import { bundlePoll } from '../federation/bundle-poll.ts';
import { type ConfiguredRelationship, Federation, type RelationshipView } from '../federation/federation.ts';
import { InitialBundles } from '../federation/initial-bundle.ts';
import { boundedLookups } from '../federation/lookups.ts';
import { LONGEST_MS, WITHOUT_HINT_MS } from '../federation/schedule.ts';
import type { BundleShelf } from '../federation/tools.ts';
import { webRoots } from '../federation/web-roots.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../store/store.ts';
import type { Check } from '../telemetry/check.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface FederationRooms {
  readonly config: Config;
  readonly uid: number;
  readonly trustDomain: TrustDomain;
  readonly store: Store;
  readonly registry: Registry;
  readonly authority: Pick<X509Authority, 'bundle'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const MOST_FILE_BYTES = 1024 * 1024;

export function startFederation(rooms: FederationRooms): Promise<Federation> {
  const { config, trustDomain: own, store, registry, authority, clock, random, log } = rooms;
  const { shortestRefreshMs: shortestMs, relationships } = config.federation;
  const bundles: BundleShelf = {
    get: (name) => registry.foreignBundle(name),
    put: (name, content, giver) => registry.putBundle(name, content, giver),
  };
  const trust = {
    webContext: webRoots(caFile(rooms)),
    anchorsOf: (domain: TrustDomain) =>
      domain.equals(own) ? authority.bundle().certificates : registry.foreignBundle(domain.name)?.certificates,
    now: () => clock.now(),
    lookup: boundedLookups(),
  };
  return Federation.start(
    {
      own,
      store,
      bundles,
      bundlePoll: bundlePoll({ bundles, read: (text) => readBundle('spiffe', text), trust, clock, log }),
      initialBundles: new InitialBundles(readBundle),
      most: config.limits.foreignBundles,
      rules: { shortestMs, withoutHintMs: WITHOUT_HINT_MS, longestMs: LONGEST_MS },
      clock,
      random,
      log,
    },
    relationships.map((one, at) => configured(one, at, rooms)),
  );
}

function configured(
  { relationship, bundleFile }: RelationshipConfig,
  at: number,
  { uid }: FederationRooms,
): ConfiguredRelationship {
  if (bundleFile === undefined) return { relationship, readInitialBundle: undefined };
  const field = `federation.relationships[${at}].bundle_file`;
  return { relationship, readInitialBundle: () => readTrustedFile(bundleFile, uid, field, MOST_FILE_BYTES) };
}

function caFile({ config, uid }: FederationRooms): (() => Promise<string>) | undefined {
  const { caFile: path } = config.federation;
  if (path === undefined) return undefined;
  return () => readTrustedFile(path, uid, 'federation.ca_file', MOST_FILE_BYTES);
}

export function federationChecks(federation: Pick<Federation, 'all'>): readonly Check[] {
  return federation.all().map(relationshipCheck);
}

function relationshipCheck(view: RelationshipView): Check {
  const { trustDomain, url, lastSuccessAt, nextPollAt, error, failures, outcome } = view;
  const name = `federation ${trustDomain}`;
  const good = lastSuccessAt === undefined ? 'never fetched' : `last fetched at ${iso(lastSuccessAt)}`;
  const next = nextPollAt === undefined ? 'being fetched now' : `next at ${iso(nextPollAt)}`;
  if (error !== undefined) {
    const hint = error instanceof Failure ? error.hint : undefined;
    const text = `${url}: ${good}; ${failures} ${failures === 1 ? 'failure' : 'failures'} since, the last: ${error.message}; ${next}`;
    return { name, status: 'warn', text, hint: hint ?? `assay federation refresh ${trustDomain}` };
  }
  if (outcome?.result === 'ignored') {
    const text = `${url}: ${good} and ignored: ${outcome.reason}; ${next}`;
    return { name, status: 'warn', text, hint: 'ask the other side whether it went back to an older state' };
  }
  return { name, status: 'ok', text: `${url}: ${good}; ${next}` };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
