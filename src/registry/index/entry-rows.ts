// SPDX-License-Identifier: Apache-2.0
/** All entries, packed, by id, by identity and by hint. */
import { packEntry, unpackEntry } from '../../store/packed.ts';
import type { EntryRecord } from '../../store/records.ts';
import { grown } from './arrays.ts';
import { KeyedRows } from './keyed-rows.ts';
import { digitsAt, eachRow, endOfField } from './rows.ts';

const FIRST = 1024;

/** Where the fields lie that an index reads (store/packed.ts). */
export interface EntryPlaces {
  readonly slot: number;
  readonly bytes: Buffer;
  readonly parentStart: number;
  readonly parentEnd: number;
  readonly selectorsEnd: number;
}

export class EntryRows {
  readonly #rows = new KeyedRows();
  readonly #identitySlot: (bytes: Buffer, start: number, end: number) => number;
  /** By slot: the identity, its neighbours there (slot + 1), when it was created. */
  #identity = new Int32Array(FIRST);
  #next = new Int32Array(FIRST);
  #previous = new Int32Array(FIRST);
  #createdAt = new Float64Array(FIRST);
  /** By identity slot: one of its entries (slot + 1). */
  #first = new Int32Array(FIRST);
  /** Hints are few. */
  readonly #byHint = new Map<string, Set<number>>();
  #latestCreatedAt = 0;

  /** `identitySlot` finds the identity of an entry, which is there before it. */
  constructor(identitySlot: (bytes: Buffer, start: number, end: number) => number) {
    this.#identitySlot = identitySlot;
  }

  get count(): number {
    return this.#rows.count;
  }

  /** All slots are below this; some of those may be free. */
  get slots(): number {
    return this.#rows.slots;
  }

  /** Of any entry ever put here. */
  get latestCreatedAt(): number {
    return this.#latestCreatedAt;
  }

  slotOf(id: string): number {
    return this.#rows.find(id);
  }

  at(slot: number): EntryRecord {
    return unpackEntry(this.#rows.text(slot));
  }

  createdAt(slot: number): number {
    return this.#createdAt[slot] as number;
  }

  ofIdentity(identity: number): EntryRecord[] {
    const found: EntryRecord[] = [];
    for (let one = this.#first[identity] ?? 0; one !== 0; one = this.#next[one - 1] as number) {
      found.push(this.at(one - 1));
    }
    return found;
  }

  *withHint(hint: string): Iterable<EntryRecord> {
    for (const slot of this.#byHint.get(hint) ?? []) yield this.at(slot);
  }

  /** An entry whose id is not here. */
  add(entry: EntryRecord): EntryPlaces {
    const slot = this.#rows.put(packEntry(entry));
    if (entry.hint !== '') this.#noteHint(entry.hint, slot);
    return this.#rows.visit(slot, (bytes, start, end) => this.#note(slot, bytes, start, end));
  }

  remove(slot: number): void {
    const { hint } = this.at(slot);
    if (hint !== '') this.#forgetHint(hint, slot);
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    if (next !== 0) this.#previous[next - 1] = previous;
    if (previous !== 0) this.#next[previous - 1] = next;
    else this.#first[this.#identity[slot] as number] = next;
    this.#rows.remove(slot);
  }

  /** A chunk of packed rows, none of which is here yet. */
  load(bytes: Buffer, visit: (places: EntryPlaces) => void): void {
    const chunk = this.#rows.adoptChunk(bytes);
    eachRow(bytes, (start, end) => {
      const slot = this.#rows.adoptRow(chunk, start, end);
      const places = this.#note(slot, bytes, start, end);
      const hint = hintOf(bytes, places.selectorsEnd, end);
      if (hint !== '') this.#noteHint(hint, slot);
      visit(places);
    });
  }

  #note(slot: number, bytes: Buffer, start: number, end: number): EntryPlaces {
    const spiffeStart = endOfField(bytes, start, end) + 1;
    const spiffeEnd = endOfField(bytes, spiffeStart, end);
    const createdEnd = endOfField(bytes, spiffeEnd + 1, end);
    const parentEnd = endOfField(bytes, createdEnd + 1, end);
    const selectorsEnd = endOfField(bytes, parentEnd + 1, end);
    this.#hang(slot, this.#identitySlot(bytes, spiffeStart, spiffeEnd));
    const createdAt = digitsAt(bytes, spiffeEnd + 1, createdEnd);
    this.#createdAt[slot] = createdAt;
    if (createdAt > this.#latestCreatedAt) this.#latestCreatedAt = createdAt;
    return { slot, bytes, parentStart: createdEnd + 1, parentEnd, selectorsEnd };
  }

  #hang(slot: number, identity: number): void {
    this.#identity = grown(this.#identity, slot);
    this.#next = grown(this.#next, slot);
    this.#previous = grown(this.#previous, slot);
    this.#createdAt = grown(this.#createdAt, slot);
    this.#first = grown(this.#first, identity);
    const head = this.#first[identity] as number;
    this.#identity[slot] = identity;
    this.#previous[slot] = 0;
    this.#next[slot] = head;
    if (head !== 0) this.#previous[head - 1] = slot + 1;
    this.#first[identity] = slot + 1;
  }

  #noteHint(hint: string, slot: number): void {
    const slots = this.#byHint.get(hint);
    if (slots === undefined) this.#byHint.set(hint, new Set([slot]));
    else slots.add(slot);
  }

  #forgetHint(hint: string, slot: number): void {
    const slots = this.#byHint.get(hint);
    if (slots?.delete(slot) === true && slots.size === 0) this.#byHint.delete(hint);
  }
}

/** The fifth field after the selectors; most often empty, so the text is made only if not. */
function hintOf(bytes: Buffer, selectorsEnd: number, end: number): string {
  let at = selectorsEnd;
  for (let field = 0; field < 4; field += 1) at = endOfField(bytes, at + 1, end);
  const hintEnd = endOfField(bytes, at + 1, end);
  return hintEnd === at + 1 ? '' : bytes.toString('utf8', at + 1, hintEnd);
}
