// SPDX-License-Identifier: Apache-2.0
/**
 * Relationships with other trust domains (SPIFFE Federation section 6): those of the configuration and those that administrators
 * made, one at most for each trust domain, each with a poller. Bundles lie in the registry, where open streams hear of them;
 * what a relationship brought goes with it (FED-24).
 *
 * They are one way: who we believe says nothing about who believes us (FED-25).
 */

import { SpiffeId } from '../identity/spiffe-id.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import { HttpsUrl } from '../lib/https-url.ts';
import type { Actor, FederationRecord } from '../store/records.ts';
import type { BundlePoll } from './bundle-poll.ts';
import type { InitialBundle } from './initial-bundle.ts';
import { Poller, type PollOutcome, type PollState } from './poller.ts';
import { isConfigured, isOwn, isThere, notThere, tooMany } from './refusals.ts';
import { parseRelationship, type Relationship, type RelationshipText } from './relationship.ts';
import type { FederationTools } from './tools.ts';

export interface ConfiguredRelationship {
  readonly relationship: Relationship;
  /** The text of a bundle, for an endpoint that serves itself; asked for when none is stored. */
  readonly readInitialBundle: (() => Promise<string>) | undefined;
}

export interface RelationshipView extends FederationRecord, PollState {}

interface Running {
  readonly record: FederationRecord;
  readonly poller: Poller;
}

export class Federation {
  readonly #tools: FederationTools;
  readonly #running = new Map<string, Running>();
  /** Being made or ended; no second step meanwhile. */
  readonly #busy = new Set<string>();

  /** Makes the stored relationships those of the configuration and of the administrators, and begins to fetch. */
  static async start(tools: FederationTools, configured: readonly ConfiguredRelationship[]): Promise<Federation> {
    const federation = new Federation(tools);
    await federation.#adopt(configured);
    for (const record of tools.store.loadRelationships()) federation.#run(record);
    return federation;
  }

  private constructor(tools: FederationTools) {
    this.#tools = tools;
  }

  /** By trust domain. */
  all(): readonly RelationshipView[] {
    return [...this.#running.keys()].sort().map((name) => this.get(name));
  }

  /** Also while it is being made, when its first bundle may be there already, or ended. */
  has(trustDomain: string): boolean {
    return this.#running.has(trustDomain) || this.#busy.has(trustDomain);
  }

  get(trustDomain: string): RelationshipView {
    const { record, poller } = this.#find(trustDomain);
    return { ...record, ...poller.state };
  }

  /** `initial` is for an endpoint that serves itself, when no bundle of its trust domain is stored. */
  async create(text: RelationshipText, initial: InitialBundle | undefined, actor: Actor): Promise<RelationshipView> {
    const relationship = parseRelationship(text);
    const { name } = relationship.trustDomain;
    const { own, most, bundles, initialBundles, store, clock } = this.#tools;
    // guard: FED-25 test/federation/federation.test.ts
    if (relationship.trustDomain.equals(own)) throw isOwn(name);
    // guard: FED-13 test/federation/federation.test.ts — two addresses would take turns to be right
    if (this.has(name)) throw isThere(name);
    // guard: I9 test/federation/federation.test.ts
    if (this.#running.size + this.#busy.size >= most) throw tooMany(most);
    const first = initialBundles.forNew(relationship, initial, bundles.get(name) !== undefined);
    await this.#alone(name, async () => {
      if (first !== undefined) await bundles.put(name, first, actor);
      const record = recordOf(relationship, 'admin', clock.now(), `uid:${actor.uid}`);
      await store.putRelationship(record);
      this.#run(record);
    });
    return this.get(name);
  }

  /** Fetches now. Rejects with why nothing came of it. */
  async refresh(trustDomain: string): Promise<PollOutcome> {
    return this.#find(trustDomain).poller.refresh();
  }

  /** Its bundle goes with it; entries that name the trust domain keep the name and get nothing of it. */
  async delete(trustDomain: string, actor: Actor): Promise<void> {
    const running = this.#find(trustDomain);
    const { record, poller } = running;
    if (record.origin === 'config') throw isConfigured(trustDomain);
    if (this.#busy.has(trustDomain)) throw notThere(trustDomain);
    await this.#alone(trustDomain, async () => {
      // guard: FED-24 test/federation/federation.test.ts — what is being fetched must not come back after the deletion
      poller.close();
      const { store, clock } = this.#tools;
      try {
        await store.deleteRelationship(trustDomain, `uid:${actor.uid}`, clock.now());
        this.#running.delete(trustDomain);
      } catch (error) {
        this.#run(record);
        throw error;
      }
    });
    this.#tools.log.info({ trustDomain }, 'a federation relationship has ended, and its bundle with it');
  }

  /** The wall clock jumped. */
  look(): void {
    for (const { poller } of this.#running.values()) poller.look();
  }

  close(): void {
    for (const { poller } of this.#running.values()) poller.close();
  }

  async #adopt(configured: readonly ConfiguredRelationship[]): Promise<void> {
    const { store, bundles, initialBundles, clock, log } = this.#tools;
    const stored = new Map(store.loadRelationships().map((record) => [record.trustDomain, record]));
    const names = new Set(configured.map(({ relationship }) => relationship.trustDomain.name));
    for (const { origin, trustDomain } of stored.values()) {
      // guard: FED-24 test/federation/configured.test.ts — it was taken out of the configuration
      if (origin === 'config' && !names.has(trustDomain)) {
        await store.deleteRelationship(trustDomain, 'config', clock.now());
        log.info({ trustDomain }, 'a federation relationship has left the configuration, and its bundle with it');
      }
    }
    for (const { relationship, readInitialBundle } of configured) {
      const { name } = relationship.trustDomain;
      const before = stored.get(name);
      const record = recordOf(relationship, 'config', clock.now(), 'config');
      if (before?.origin === 'admin')
        log.warn(
          { trustDomain: name, createdBy: before.createdBy },
          'the configuration replaces a federation relationship',
        );
      if (before === undefined || !isSameRecord(before, record)) await store.putRelationship(record);
      const first = await initialBundles.forConfigured(
        relationship,
        readInitialBundle,
        bundles.get(name) !== undefined,
      );
      if (first !== undefined) await bundles.put(name, first, 'config');
    }
  }

  #run(record: FederationRecord): void {
    const relationship = relationshipOf(record);
    const { bundles, bundlePoll, rules, clock, random } = this.#tools;
    const poll = (signal: AbortSignal): ReturnType<BundlePoll> => bundlePoll(relationship, signal);
    const hintSeconds = bundles.get(record.trustDomain)?.refreshHintSeconds ?? null;
    const poller = new Poller({ poll, hintSeconds, rules, clock, random });
    this.#running.set(record.trustDomain, { record, poller });
    // Why it failed is in its state.
    poller.refresh().catch(() => undefined);
  }

  #find(trustDomain: string): Running {
    const found = this.#running.get(trustDomain);
    if (found === undefined) throw notThere(trustDomain);
    return found;
  }

  async #alone(name: string, work: () => Promise<void>): Promise<void> {
    this.#busy.add(name);
    try {
      await work();
    } finally {
      this.#busy.delete(name);
    }
  }
}

function recordOf(
  { trustDomain, url, endpoint }: Relationship,
  origin: FederationRecord['origin'],
  createdAt: number,
  createdBy: string,
): FederationRecord {
  return {
    trustDomain: trustDomain.name,
    url: url.toString(),
    profile: endpoint.profile,
    endpointSpiffeId: endpoint.profile === 'https_spiffe' ? endpoint.spiffeId.toString() : null,
    origin,
    createdAt,
    createdBy,
  };
}

function relationshipOf(record: FederationRecord): Relationship {
  return {
    trustDomain: TrustDomain.parse(record.trustDomain),
    url: HttpsUrl.parse(record.url),
    endpoint:
      record.endpointSpiffeId === null
        ? { profile: 'https_web' }
        : { profile: 'https_spiffe', spiffeId: SpiffeId.parseWorkload(record.endpointSpiffeId) },
  };
}

function isSameRecord(a: FederationRecord, b: FederationRecord): boolean {
  return (
    a.origin === b.origin && a.url === b.url && a.profile === b.profile && a.endpointSpiffeId === b.endpointSpiffeId
  );
}
