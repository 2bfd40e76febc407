// SPDX-License-Identifier: Apache-2.0
/**
 * A million rows of packed text outside the JavaScript heap, found by their first field. A row has a slot, a small
 * number that stays its own until it is removed; whoever keeps more about rows keeps it in arrays by slot.
 *
 * Rows lie in chunks as they came; a chunk that is mostly garbage is emptied into the newest. Keys are found by a hash
 * table with linear probing that moves followers back on removal, so there are no tombstones.
 */
import { FIELD_END } from '../../store/packed.ts';
import { grown } from './arrays.ts';

const CHUNK_BYTES = 256 * 1024;
const FIRST_BUCKETS = 1024;

export class KeyedRows {
  readonly #chunks: (Buffer | undefined)[] = [];
  /** Bytes of each chunk that rows still use. */
  readonly #live: number[] = [];
  #tail = -1;
  #tailUsed = 0;
  #chunkOf = new Uint32Array(FIRST_BUCKETS);
  #start = new Uint32Array(FIRST_BUCKETS);
  #length = new Uint32Array(FIRST_BUCKETS);
  #hash = new Uint32Array(FIRST_BUCKETS);
  /** Slot + 1, or 0. */
  #buckets = new Int32Array(FIRST_BUCKETS);
  readonly #free: number[] = [];
  #slots = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** All slots are below this; some of those may be free. */
  get slots(): number {
    return this.#slots;
  }

  /** -1 when there is none. */
  find(key: string): number {
    const bytes = Buffer.from(key);
    return this.findBytes(bytes, 0, bytes.length);
  }

  findBytes(bytes: Buffer, start: number, end: number): number {
    return this.#probe(hashOf(bytes, start, end), bytes, start, end);
  }

  isUsed(slot: number): boolean {
    return this.#length[slot] !== 0;
  }

  text(slot: number): string {
    const start = this.#start[slot] as number;
    return this.#chunk(slot).toString('utf8', start, start + (this.#length[slot] as number));
  }

  /** The row's bytes, where they lie: call `visit` with its chunk, start and end. */
  visit<T>(slot: number, visit: (bytes: Buffer, start: number, end: number) => T): T {
    const start = this.#start[slot] as number;
    return visit(this.#chunk(slot), start, start + (this.#length[slot] as number));
  }

  /** Adds a row or replaces the one with its key, whose slot it keeps. */
  put(row: string): number {
    const bytes = Buffer.from(row);
    return this.putBytes(bytes, 0, bytes.length);
  }

  putBytes(bytes: Buffer, start: number, end: number): number {
    const keyEnd = endOfKey(bytes, start, end);
    const hash = hashOf(bytes, start, keyEnd);
    const known = this.#probe(hash, bytes, start, keyEnd);
    const at = this.#append(bytes, start, end);
    const chunk = this.#tail;
    if (known < 0) return this.#add(hash, chunk, at, end - start);
    this.#releaseBytes(known);
    this.#place(known, chunk, at, end - start);
    return known;
  }

  /** Takes a whole chunk over without copying; its rows follow by `adoptRow`. */
  adoptChunk(chunk: Buffer): number {
    this.#chunks.push(chunk);
    this.#live.push(0);
    return this.#chunks.length - 1;
  }

  /** A row of an adopted chunk, whose key is not here yet. */
  adoptRow(chunk: number, start: number, end: number): number {
    const bytes = this.#chunks[chunk] as Buffer;
    return this.#add(hashOf(bytes, start, endOfKey(bytes, start, end)), chunk, start, end - start);
  }

  remove(slot: number): void {
    this.#unlink(slot);
    this.#releaseBytes(slot);
    this.#length[slot] = 0;
    this.#free.push(slot);
    this.#count -= 1;
  }

  #chunk(slot: number): Buffer {
    return this.#chunks[this.#chunkOf[slot] as number] as Buffer;
  }

  #add(hash: number, chunk: number, start: number, length: number): number {
    if ((this.#count + 1) * 2 > this.#buckets.length) this.#rehash(this.#buckets.length * 2);
    const slot = this.#free.pop() ?? this.#slots++;
    this.#chunkOf = grown(this.#chunkOf, slot);
    this.#start = grown(this.#start, slot);
    this.#length = grown(this.#length, slot);
    this.#hash = grown(this.#hash, slot);
    this.#hash[slot] = hash;
    this.#place(slot, chunk, start, length);
    this.#link(slot, hash);
    this.#count += 1;
    return slot;
  }

  #place(slot: number, chunk: number, start: number, length: number): void {
    this.#chunkOf[slot] = chunk;
    this.#start[slot] = start;
    this.#length[slot] = length;
    this.#live[chunk] = (this.#live[chunk] as number) + length;
  }

  #append(bytes: Buffer, start: number, end: number): number {
    const length = end - start;
    const tail = this.#chunks[this.#tail];
    if (tail === undefined || this.#tailUsed + length > tail.length) {
      this.#tail = this.adoptChunk(Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, length)));
      this.#tailUsed = 0;
    }
    const at = this.#tailUsed;
    bytes.copy(this.#chunks[this.#tail] as Buffer, at, start, end);
    this.#tailUsed += length;
    return at;
  }

  #releaseBytes(slot: number): void {
    const chunk = this.#chunkOf[slot] as number;
    const live = (this.#live[chunk] as number) - (this.#length[slot] as number);
    this.#live[chunk] = live;
    // A row without its place must not be moved with the others.
    this.#length[slot] = 0;
    if (chunk !== this.#tail && live * 2 < (this.#chunks[chunk] as Buffer).length) this.#empty(chunk);
  }

  /** Moves what is left of a chunk into the newest, so that garbage stays below half. */
  #empty(chunk: number): void {
    const bytes = this.#chunks[chunk] as Buffer;
    if ((this.#live[chunk] as number) > 0) {
      for (let slot = 0; slot < this.#slots; slot += 1) {
        const length = this.#length[slot] as number;
        if (length === 0 || this.#chunkOf[slot] !== chunk) continue;
        const start = this.#start[slot] as number;
        const at = this.#append(bytes, start, start + length);
        this.#place(slot, this.#tail, at, length);
      }
    }
    this.#chunks[chunk] = undefined;
    this.#live[chunk] = 0;
  }

  #probe(hash: number, bytes: Buffer, start: number, end: number): number {
    const mask = this.#buckets.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = (this.#buckets[at] as number) - 1;
      if (slot < 0) return -1;
      if (this.#hash[slot] === hash && this.#hasKey(slot, bytes, start, end)) return slot;
    }
  }

  #hasKey(slot: number, bytes: Buffer, start: number, end: number): boolean {
    const row = this.#chunk(slot);
    const from = this.#start[slot] as number;
    const size = end - start;
    const rowLength = this.#length[slot] as number;
    if (rowLength < size || (rowLength > size && row[from + size] !== FIELD_END)) return false;
    for (let i = 0; i < size; i += 1) if (row[from + i] !== bytes[start + i]) return false;
    return true;
  }

  #link(slot: number, hash: number): void {
    const mask = this.#buckets.length - 1;
    let at = hash & mask;
    while (this.#buckets[at] !== 0) at = (at + 1) & mask;
    this.#buckets[at] = slot + 1;
  }

  #unlink(slot: number): void {
    const mask = this.#buckets.length - 1;
    let hole = (this.#hash[slot] as number) & mask;
    while (this.#buckets[hole] !== slot + 1) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; this.#buckets[at] !== 0; at = (at + 1) & mask) {
      const home = (this.#hash[(this.#buckets[at] as number) - 1] as number) & mask;
      // Moves back only what would still be found from its home (Knuth, TAOCP 6.4, algorithm R).
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#buckets[hole] = this.#buckets[at] as number;
      hole = at;
    }
    this.#buckets[hole] = 0;
  }

  #rehash(size: number): void {
    this.#buckets = new Int32Array(size);
    for (let slot = 0; slot < this.#slots; slot += 1) {
      if (this.#length[slot] !== 0) this.#link(slot, this.#hash[slot] as number);
    }
  }
}

function endOfKey(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at += 1) if (bytes[at] === FIELD_END) return at;
  return end;
}

/** FNV-1a, with a last stir so that low bits depend on all; nothing hostile is hashed that an operator did not register. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}
