// SPDX-License-Identifier: Apache-2.0
/**
 * Identities and entries: what an operator may register, and which of it a caller gets. Memory holds all of it, built
 * from the store at start and kept by its changes, so that a match never waits.
 *
 * A writing method checks the rules, hands the rows to the store and resolves when they are durable and visible to
 * `match`. A write that raced another is checked again from the start.
 */
import type { Limits } from '../config/config.ts';
import type { Strength } from '../identity/strength.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { Actor, BundleContent, BundleRecord, Change, EntryRecord, IdentityRecord } from '../store/records.ts';
import type { EntryFilter, IdentityFilter, Listed, Page, Store } from '../store/store.ts';
import { Ahead } from './ahead.ts';
import { allPages, nextTurn } from './all-pages.ts';
import { Ceiling } from './ceiling.ts';
import { EntryWriter, entryNotFound, type WrittenEntry } from './entry-writer.ts';
import { ExpirySweep } from './expiry-sweep.ts';
import {
  type BundleGiver,
  type BundleMap,
  type BundleMapPlan,
  type DeleteMode,
  ForeignBundles,
} from './foreign-bundles.ts';
import { actorName } from './identity-fields.ts';
import { type IdentityLife, IdentityWriter, type Stepped } from './identity-writer.ts';
import type { EntryPatch, NewEntry } from './input.ts';
import { decide, type Lease, type Match, type Refused, refusalsOf } from './match.ts';
import { People } from './people.ts';
import { RegistryIndex } from './registry-index.ts';
import { again } from './retry.ts';
import type { RegistryRules } from './rules.ts';
import { Targets } from './targets.ts';

/** Entries looked at for one caller, the oldest; only a registry gone wrong gives one caller more (I9). */
const CANDIDATES = 4096;

export interface RegistryOptions {
  readonly store: Store;
  readonly trustDomain: TrustDomain;
  /** The parent of entries that this daemon serves, and the default of new ones. */
  readonly nodeId: string;
  readonly limits: Limits;
  readonly rules: RegistryRules;
  readonly clock: Clock;
  readonly random: Random;
}

export class Registry {
  /** Who answers for identities. */
  readonly people: People;
  /** What time will bring identities. */
  readonly ahead: Ahead;
  /** What tasks are for. */
  readonly targets: Targets;
  readonly #store: Store;
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #index: RegistryIndex;
  readonly #bundles: ForeignBundles;
  readonly #entries: EntryWriter;
  readonly #identities: IdentityWriter;
  readonly #sweep: ExpirySweep;
  readonly #kinds: RegistryRules['kinds'];
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  readonly #forgetStore: () => void;
  #lastChangeSeq: number;

  static async load(options: RegistryOptions): Promise<Registry> {
    return new Registry(options);
  }

  private constructor(options: RegistryOptions) {
    const { store, trustDomain, limits, clock, random, nodeId } = options;
    this.#store = store;
    this.#limits = limits;
    this.#clock = clock;
    this.#kinds = () => options.rules.kinds();
    this.#index = RegistryIndex.load(store, nodeId, options.rules);
    this.#bundles = new ForeignBundles(store, trustDomain, limits);
    const rules = {
      caTtlMs: () => options.rules.caTtlMs(),
      graceMs: options.rules.graceMs,
      kinds: () => options.rules.kinds(),
      trustDomain,
      nodeId,
      limits,
    };
    const index = this.#index;
    const people = new People(store.humans, clock);
    this.people = people;
    this.targets = new Targets(store.targets, people, clock);
    this.ahead = new Ahead(index);
    const identities = new Ceiling('identities', limits.identities, () => index.identityCount);
    const written = { store, index, identities, people, rules, clock };
    this.#entries = new EntryWriter({ ...written, hasBundle: (name) => this.#bundles.get(name) !== undefined, random });
    this.#identities = new IdentityWriter(written);
    this.#sweep = new ExpirySweep(clock, (now) => this.#identities.doDue(now));
    this.#sweep.expects(clock.now());
    this.#lastChangeSeq = store.lastChangeSeq();
    this.#forgetStore = store.onChanges((changes) => this.#apply(changes));
  }

  /** What an identity goes through, from draft to tombstone. */
  get life(): IdentityLife {
    return this.#identities;
  }

  /** The sequence of the last change taken in. */
  get lastChangeSeq(): number {
    return this.#lastChangeSeq;
  }

  /** The identities of a caller with these attested selectors. Synchronous, from memory. */
  match(selectors: ReadonlyMap<string, Strength>, now: number, lease?: Lease): Match {
    const { entries, all } = this.#index.matching(selectors.keys(), CANDIDATES);
    const candidates = entries.map((entry) => ({
      entry,
      identity: this.#index.identity(entry.spiffeId) as IdentityRecord,
    }));
    const unseen = all - candidates.length;
    return decide(candidates, selectors, { now, grantsPerCaller: this.#limits.grantsPerCaller, unseen, lease });
  }

  /** Entries that do not match but lack little, the nearest first; for whoever asks why. */
  async nearest(selectors: ReadonlyMap<string, Strength>, most: number): Promise<readonly EntryRecord[]> {
    const near = await this.#index.nearest(selectors.keys(), most, nextTurn);
    return near.filter((entry) => entry.selectors.some((selector) => !selectors.has(selector)));
  }

  /** What keeps these entries from giving an identity to whoever has all their selectors. */
  refusalsOf(entries: readonly EntryRecord[], now: number): readonly Refused[] {
    return refusalsOf(entries, (spiffeId) => this.#index.identity(spiffeId), this.#kinds(), now);
  }

  /** Does an entry that can match name a selector of this on-demand kind, `type:kind`? */
  names(kind: string): boolean {
    return this.#index.names(kind);
  }

  createEntry(input: NewEntry, actor: Actor): Promise<WrittenEntry> {
    return this.#entries.create(input, actor);
  }

  /** Changes the fields named in `patch` and no others; writes nothing when nothing changes. */
  updateEntry(id: string, patch: EntryPatch, actor: Actor): Promise<WrittenEntry> {
    return this.#entries.update(id, patch, actor);
  }

  /** The identity stays, also without entries. */
  async deleteEntry(id: string, actor: Actor): Promise<void> {
    if (this.#index.entry(id) === undefined) throw entryNotFound(id);
    await this.#store.deleteEntry(id, actorName(actor), this.#clock.now());
  }

  entry(id: string): EntryRecord | undefined {
    return this.#index.entry(id);
  }

  entriesOf(spiffeId: string): readonly EntryRecord[] {
    return this.#index.entriesOf(spiffeId);
  }

  /** In (created_at, id) order. A page may be short, even empty, and still name a next one. */
  entries(filter: EntryFilter, page: Page): Listed<EntryRecord> {
    return this.#store.listEntries(filter, page);
  }

  async countEntries(filter: EntryFilter = {}): Promise<number> {
    if (Object.values(filter).every((value) => value === undefined)) return this.#index.entryCount;
    let count = 0;
    for await (const _ of allPages((page) => this.#store.listEntries(filter, page))) count += 1;
    return count;
  }

  identity(spiffeId: string): IdentityRecord | undefined {
    return this.#index.identity(spiffeId);
  }

  /** By SPIFFE ID. A page may be short, even empty, and still name a next one. */
  identities(filter: IdentityFilter, page: Page): Listed<IdentityRecord> {
    return this.#store.listIdentities(filter, page);
  }

  suspendIdentity(spiffeId: string, reason: string, actor: Actor): Promise<IdentityRecord> {
    return this.#identities.suspend(spiffeId, reason, actor);
  }

  /** An identity that has expired needs a new `expiresAt`. */
  resumeIdentity(spiffeId: string, actor: Actor, expiresAt?: number): Promise<Stepped> {
    return this.#identities.resume(spiffeId, actor, expiresAt);
  }

  foreignBundle(trustDomain: string): BundleRecord | undefined {
    return this.#bundles.get(trustDomain);
  }

  foreignBundles(): readonly BundleRecord[] {
    return this.#bundles.all();
  }

  putBundle(trustDomain: string, content: BundleContent, giver: BundleGiver): Promise<BundleRecord> {
    return this.#bundles.put(trustDomain, content, giver, this.#clock.now());
  }

  /** Entries that federate with it: `restrict` refuses, `dissociate` takes the name out of them, `delete` deletes them. */
  async deleteBundle(trustDomain: string, mode: DeleteMode, actor: Actor): Promise<void> {
    this.#bundles.refuseUnknown(trustDomain);
    await this.#loosen([trustDomain], mode, actor);
    await this.#store.deleteBundle(trustDomain, actorName(actor), this.#clock.now());
  }

  /**
   * Takes a bundle map as the whole state of the bundles set by hand, in one step, or refuses all of it. Entries that federate
   * with what it leaves out come first, as in `deleteBundle`. Other bundles are those that `isFetched`.
   */
  setBundleMap(
    map: BundleMap,
    isFetched: (trustDomain: string) => boolean,
    mode: DeleteMode,
    actor: Actor,
  ): Promise<BundleMapPlan> {
    return again(async () => {
      const since = this.#lastChangeSeq;
      const now = this.#clock.now();
      const plan = this.#bundles.plan(map, isFetched, actor, now);
      if (plan.deleted.length > 0) await this.#loosen(plan.deleted, mode, actor);
      if (plan.put.length + plan.deleted.length > 0)
        await this.#store.replaceBundles(plan, since, actorName(actor), now);
      return plan;
    });
  }

  /** Looks at every entry once, however many trust domains are named. */
  async #loosen(trustDomains: readonly string[], mode: DeleteMode, actor: Actor): Promise<void> {
    const leaving = new Set(trustDomains);
    const filter = leaving.size === 1 ? { federatesWith: trustDomains[0] } : {};
    for await (const entry of allPages((page) => this.#store.listEntries(filter, page))) {
      const left = entry.federatesWith.find((name) => leaving.has(name));
      if (left === undefined) continue;
      if (mode === 'restrict') throw this.#bundles.inUse(left, entry);
      if (mode === 'delete') await this.deleteEntry(entry.id, actor);
      else {
        const federatesWith = entry.federatesWith.filter((name) => !leaving.has(name));
        await this.updateEntry(entry.id, { federatesWith }, actor);
      }
    }
  }

  /** Listeners run synchronously, in sequence order, when the registry itself has taken the changes in. */
  onChange(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Stops the sweep and forgets the store, which it does not close. */
  close(): void {
    this.#sweep.close();
    this.#forgetStore();
    this.#listeners.clear();
  }

  #apply(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#applyOne(change);
      this.#lastChangeSeq = Math.max(this.#lastChangeSeq, change.seq);
    }
    for (const listener of [...this.#listeners]) listener(changes);
  }

  #applyOne(change: Change): void {
    switch (change.kind) {
      case 'entry':
        if (change.action === 'put') this.#index.putEntry(change.entry);
        else this.#index.deleteEntry(change.key);
        return;
      case 'identity':
        this.#sweep.expects(this.#index.putIdentity(change.identity));
        return;
      case 'bundle':
        this.#bundles.apply(change);
        return;
      case 'human':
        this.people.apply(change);
        return;
      case 'target':
        this.targets.apply(change);
        return;
      default:
        // Of rooms that listen for themselves.
        return;
    }
  }
}
