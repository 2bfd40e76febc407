// SPDX-License-Identifier: Apache-2.0
/**
 * `federation`: whether our bundle is served, and which other trust domains' bundles are fetched. In the file alone: whoever names
 * a relationship here chooses whom the workloads believe (attack A13).
 */
import { resolve } from 'node:path';
import { type Profile, parseRelationship, type Relationship } from '../federation/relationship.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import type { HttpsConfig } from './https.ts';
import { pathFrom } from './https.ts';
import { nearest } from './nearest.ts';
import { Refusal, type Setting, type SettingsReader } from './reader.ts';
import { duration, oneOf } from './settings.ts';
import type { MapTree, Tree } from './yaml-tree.ts';

export interface FederationConfig {
  readonly bundleEndpoint: BundleEndpointConfig | undefined;
  readonly relationships: readonly RelationshipConfig[];
  readonly shortestRefreshMs: number;
  /** Absolute; undefined: the authorities of this machine. */
  readonly caFile: string | undefined;
}

export interface BundleEndpointConfig {
  readonly profile: Profile;
  readonly path: string;
  /** Of `https_spiffe`; undefined: `spiffe://TD/spire/server`. */
  readonly spiffeId: SpiffeId | undefined;
}

export interface RelationshipConfig {
  readonly relationship: Relationship;
  /** Absolute. */
  readonly bundleFile: string | undefined;
}

const ENDPOINT = 'federation.bundle_endpoint';
const MEMBERS = ['trust_domain', 'url', 'profile', 'endpoint_spiffe_id', 'bundle_file'];
const MOST_RELATIONSHIPS = 1_000;
const MINUTE = 60_000;

const PATH: Setting<string> = {
  fallback: '/',
  parse: (raw) =>
    typeof raw === 'string' && /^\/[A-Za-z0-9._~/-]{0,255}$/.test(raw)
      ? raw
      : new Refusal('is no path', 'write one such as /bundle.json'),
};

export function readFederation(reader: SettingsReader, own: TrustDomain | undefined, folder: string): FederationConfig {
  return {
    bundleEndpoint: readEndpoint(reader, own),
    relationships: readRelationships(reader, own, folder),
    shortestRefreshMs: reader.readFromFile(
      'federation.shortest_refresh',
      duration(MINUTE, { min: 1_000, max: 24 * 60 * MINUTE }),
    ),
    caFile: reader.readFromFile('federation.ca_file', pathFrom(folder)),
  };
}

function readEndpoint(reader: SettingsReader, own: TrustDomain | undefined): BundleEndpointConfig | undefined {
  const profile = reader.readFromFile(`${ENDPOINT}.profile`, PROFILE);
  const path = reader.readFromFile(`${ENDPOINT}.path`, PATH);
  const spiffeId = reader.readFromFile(`${ENDPOINT}.spiffe_id`, SPIFFE_ID);
  const block = reader.tree(ENDPOINT);
  if (block === undefined) return undefined;
  if (profile === undefined) {
    if (reader.tree(`${ENDPOINT}.profile`) === undefined)
      reader.refuse(
        reader.placeOf(ENDPOINT, block.line),
        undefined,
        'lacks profile',
        'write https_web or https_spiffe',
      );
    return undefined;
  }
  if (spiffeId !== undefined && profile !== 'https_spiffe')
    reader.refuse(reader.label(`${ENDPOINT}.spiffe_id`), undefined, 'means nothing with https_web', 'leave it out');
  if (spiffeId !== undefined && own !== undefined && !spiffeId.memberOf(own))
    reader.refuse(reader.label(`${ENDPOINT}.spiffe_id`), spiffeId, `is outside the trust domain ${own.name}`);
  return { profile, path, spiffeId };
}

const PROFILE: Setting<Profile | undefined> = {
  fallback: undefined,
  show: (profile) => profile ?? '',
  parse: (raw, place) => oneOf<Profile>('https_web', ['https_web', 'https_spiffe']).parse(raw, place),
};

const SPIFFE_ID: Setting<SpiffeId | undefined> = {
  fallback: undefined,
  show: (id) => id?.toString() ?? '',
  parse: (raw, place) => SpiffeId.parseWorkload(raw, place.label),
};

function readRelationships(
  reader: SettingsReader,
  own: TrustDomain | undefined,
  folder: string,
): readonly RelationshipConfig[] {
  const key = 'federation.relationships';
  const list = reader.tree(key);
  const explain = (found: readonly RelationshipConfig[]): readonly RelationshipConfig[] => {
    const shown = found.map(({ relationship }) => `${relationship.trustDomain} from ${relationship.url}`).join('; ');
    reader.explain(
      key,
      shown === '' ? 'none' : shown,
      list === undefined ? 'default' : reader.placeOf('file', list.line),
    );
    return found;
  };
  if (list === undefined || (list.kind === 'scalar' && list.value === undefined)) return explain([]);
  if (list.kind !== 'list' || list.items.length > MOST_RELATIONSHIPS) {
    const why = list.kind === 'list' ? `has more than ${MOST_RELATIONSHIPS} items` : 'must be a list';
    reader.refuse(
      reader.placeOf(key, list.line),
      undefined,
      why,
      'write "- { trust_domain: …, url: …, profile: … }" below it',
    );
    return [];
  }
  const found = list.items.flatMap((item, at) => readRelationship(reader, item, `${key}[${at}]`, folder));
  refuseNames(reader, found, own, reader.placeOf(key, list.line));
  return explain(found);
}

function readRelationship(reader: SettingsReader, item: Tree, key: string, folder: string): RelationshipConfig[] {
  if (item.kind !== 'map') {
    reader.refuse(reader.placeOf(key, item.line), undefined, 'must have trust_domain, url and profile');
    return [];
  }
  const before = reader.problems.length;
  refuseOthers(reader, item, key);
  const text = (name: string): string | undefined => textOf(reader, item, key, name);
  const field = (name: string): string => reader.placeOf(`${key}.${name}`, item.members.get(name)?.line ?? item.line);
  const bundleFile = text('bundle_file');
  const given = {
    trustDomain: text('trust_domain'),
    url: text('url'),
    profile: text('profile'),
    endpointSpiffeId: text('endpoint_spiffe_id'),
  };
  if (reader.problems.length > before) return [];
  const fields = {
    trustDomain: field('trust_domain'),
    url: field('url'),
    profile: field('profile'),
    endpointSpiffeId: field('endpoint_spiffe_id'),
  };
  try {
    const relationship = parseRelationship(given, fields);
    return [{ relationship, bundleFile: bundleFile === undefined ? undefined : resolve(folder, bundleFile) }];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    reader.problems.push(error);
    return [];
  }
}

function textOf(reader: SettingsReader, item: MapTree, key: string, name: string): string | undefined {
  const node = item.members.get(name);
  if (node === undefined) return undefined;
  if (node.kind === 'scalar' && typeof node.value === 'string') return node.value;
  reader.refuse(
    reader.placeOf(`${key}.${name}`, node.line),
    undefined,
    'is no text',
    'put it in quotes if it is meant as text',
  );
  return undefined;
}

function refuseOthers(reader: SettingsReader, item: MapTree, key: string): void {
  for (const [name, node] of item.members) {
    if (MEMBERS.includes(name)) continue;
    const near = nearest(name, MEMBERS);
    const hint = near === undefined ? `keys here: ${MEMBERS.join(', ')}` : `did you mean ${near}?`;
    reader.refuse(reader.placeOf(`${key}.${name}`, node.line), undefined, 'is no key of a relationship', hint);
  }
}

function refuseNames(
  reader: SettingsReader,
  found: readonly RelationshipConfig[],
  own: TrustDomain | undefined,
  place: string,
): void {
  const seen = new Set<string>();
  for (const { trustDomain } of found.map(({ relationship }) => relationship)) {
    // guard: FED-25 test/config/federation.test.ts
    if (own !== undefined && trustDomain.equals(own)) reader.refuse(place, trustDomain.name, 'is our own trust domain');
    // guard: FED-13 test/config/federation.test.ts
    if (seen.has(trustDomain.name)) reader.refuse(place, trustDomain.name, 'is named twice', 'keep one of the two');
    seen.add(trustDomain.name);
  }
}

/** What `https` and `federation` say of each other. */
export function checkFederation(
  reader: SettingsReader,
  https: HttpsConfig | undefined,
  federation: FederationConfig,
): void {
  const { bundleEndpoint } = federation;
  if (bundleEndpoint !== undefined && https === undefined) {
    reader.refuse(
      reader.label(`${ENDPOINT}.profile`),
      undefined,
      'is served by the HTTPS listener, which is not configured',
      'add "https: { listen: … }"',
    );
    return;
  }
  if (https === undefined) return;
  const spiffe = bundleEndpoint?.profile === 'https_spiffe';
  if (!spiffe && https.files === undefined)
    reader.refuse(reader.label('https.listen'), undefined, 'needs a certificate', 'give https.cert and https.key');
  if (spiffe && https.files !== undefined)
    reader.refuse(
      reader.label('https.cert'),
      undefined,
      `is not shown: with ${ENDPOINT}.profile https_spiffe the listener shows an SVID of the daemon`,
      'leave out https.cert and https.key, or use https_web',
    );
}
