// SPDX-License-Identifier: Apache-2.0
/**
 * Identities and entries in memory, found by id, by SPIFFE ID and by the selectors of a caller. Rows stay packed, outside
 * the JavaScript heap, and are unpacked for those that a question touches.
 */
import type { EntryRecord, IdentityRecord } from '../store/records.ts';
import type { RegistryStore } from '../store/store.ts';
import { type EntryPlaces, EntryRows } from './index/entry-rows.ts';
import { type DueSlice, IdentityRows } from './index/identity-rows.ts';
import { SelectorIndex } from './index/selector-index.ts';
import type { RegistryRules } from './rules.ts';

/** `onDemand`: selector kinds that `names` is asked for. */
type IndexRules = Pick<RegistryRules, 'graceMs' | 'onDemand'>;

export class RegistryIndex {
  readonly #parentId: Buffer;
  readonly #identities: IdentityRows;
  readonly #entries = new EntryRows((bytes, start, end) => this.#identities.slotOfBytes(bytes, start, end));
  readonly #selectors: SelectorIndex;

  /** Entries of another parent are kept but never match. */
  constructor(parentId: string, { graceMs, onDemand = [] }: IndexRules) {
    this.#parentId = Buffer.from(parentId);
    this.#identities = new IdentityRows(graceMs);
    this.#selectors = new SelectorIndex(onDemand);
  }

  static load(store: RegistryStore, parentId: string, rules: IndexRules): RegistryIndex {
    const index = new RegistryIndex(parentId, rules);
    for (const chunk of store.loadIdentities()) index.#identities.load(chunk);
    for (const chunk of store.loadEntries()) index.#entries.load(chunk, (places) => index.#addSelectors(places));
    // Only now is it known how rare each selector is.
    for (let slot = 0; slot < index.#entries.slots; slot += 1) index.#selectors.anchor(slot);
    return index;
  }

  get entryCount(): number {
    return this.#entries.count;
  }

  get identityCount(): number {
    return this.#identities.count;
  }

  /** Of any entry ever put here. */
  get latestCreatedAt(): number {
    return this.#entries.latestCreatedAt;
  }

  entry(id: string): EntryRecord | undefined {
    const slot = this.#entries.slotOf(id);
    return slot < 0 ? undefined : this.#entries.at(slot);
  }

  identity(spiffeId: string): IdentityRecord | undefined {
    return this.#identities.get(spiffeId);
  }

  entriesOf(spiffeId: string): EntryRecord[] {
    const identity = this.#identities.slotOf(spiffeId);
    return identity < 0 ? [] : this.#entries.ofIdentity(identity);
  }

  /** Does an entry that can match name a selector of this kind, `type:kind`? Only for those counted. */
  names(kind: string): boolean {
    return this.#selectors.names(kind);
  }

  /** Entries all of whose selectors are among `selectors`: the oldest `most` of them, and how many there are. */
  matching(
    selectors: Iterable<string>,
    most: number,
  ): { readonly entries: readonly EntryRecord[]; readonly all: number } {
    const slots = this.#selectors.match(selectors);
    const all = slots.length;
    if (all > most) {
      slots.sort((a, b) => this.#entries.createdAt(a) - this.#entries.createdAt(b));
      slots.length = most;
    }
    return { entries: slots.map((slot) => this.#entries.at(slot)), all };
  }

  /** Entries that lack few of `selectors`, the nearest first. */
  async nearest(
    selectors: Iterable<string>,
    most: number,
    pause: () => Promise<void>,
  ): Promise<readonly EntryRecord[]> {
    const slots = await this.#selectors.nearest(selectors, most, pause);
    return slots.map((slot) => this.#entries.at(slot));
  }

  /** An entry of another identity with this hint. */
  hintHolder(hint: string, spiffeId: string): EntryRecord | undefined {
    for (const entry of this.#entries.withHint(hint)) if (entry.spiffeId !== spiffeId) return entry;
    return undefined;
  }

  /** The first `most` identities, from `from`, for which time has brought something by `now`. */
  due(now: number, from: number, most: number): DueSlice {
    return this.#identities.due(now, from, most);
  }

  /** Visits each active identity that time brings something after `now` and within `withinMs`, of `many` from `from`. */
  eachAhead(...asked: Parameters<IdentityRows['eachAhead']>): number | undefined {
    return this.#identities.eachAhead(...asked);
  }

  identityAt(slot: number): IdentityRecord {
    return this.#identities.at(slot);
  }

  /** Answers when time brings it something. */
  putIdentity(identity: IdentityRecord): number | undefined {
    return this.#identities.put(identity);
  }

  /** Its identity is here already. */
  putEntry(entry: EntryRecord): void {
    this.deleteEntry(entry.id);
    const places = this.#entries.add(entry);
    this.#addSelectors(places);
    this.#selectors.anchor(places.slot);
  }

  deleteEntry(id: string): void {
    const slot = this.#entries.slotOf(id);
    if (slot < 0) return;
    this.#selectors.remove(slot);
    this.#entries.remove(slot);
  }

  #addSelectors({ slot, bytes, parentStart, parentEnd, selectorsEnd }: EntryPlaces): void {
    if (this.#parentId.compare(bytes, parentStart, parentEnd) !== 0) return;
    this.#selectors.add(slot, bytes, parentEnd + 1, selectorsEnd);
  }
}
