// SPDX-License-Identifier: Apache-2.0
/**
 * Which entries match a caller: all selectors of the entry are among the caller's.
 *
 * Each distinct selector has a token. Each entry hangs on one of its selectors, the rarest when it was put here: its
 * anchor. A match walks the entries that hang on the caller's selectors and checks the rest of each by token, so it
 * looks at few entries though a million may name the commonest selector.
 */
import { grown } from './arrays.ts';
import { KeyedRows } from './keyed-rows.ts';

const FIRST = 1024;
const LINE_FEED = 0x0a;

/** Entries looked at in one go: some 5 ms. */
const SLICE = 1 << 16;

interface Near {
  readonly entry: number;
  readonly lacks: number;
  readonly has: number;
}

function isNearer(a: Near, b: Near): boolean {
  return a.lacks < b.lacks || (a.lacks === b.lacks && a.has > b.has);
}

function nearestOf(all: readonly Near[], most: number): Near[] {
  return [...all].sort((a, b) => a.lacks - b.lacks || b.has - a.has || a.entry - b.entry).slice(0, most);
}

export class SelectorIndex {
  readonly #texts = new KeyedRows();
  /** By token: entries that name it, the first entry that hangs on it, and whether the caller has it (last stamp). */
  #named = new Uint32Array(FIRST);
  #first = new Int32Array(FIRST);
  #stamp = new Uint32Array(FIRST);
  #now = 0;
  /** By entry: where its tokens begin in the pool (0: not here), its anchor, and its neighbours on it (slot + 1). */
  #at = new Uint32Array(FIRST);
  #anchor = new Int32Array(FIRST);
  #next = new Int32Array(FIRST);
  #previous = new Int32Array(FIRST);
  /** A count, then that many tokens, for each entry. */
  #pool = new Int32Array(FIRST * 4);
  #poolUsed = 1;
  #poolGarbage = 0;
  /** How often entries name a selector that begins with these bytes, for the kinds that are counted. */
  readonly #counted: { readonly prefix: Buffer; count: number }[];

  /** `counted`: kinds as `type:kind`. */
  constructor(counted: readonly string[] = []) {
    this.#counted = counted.map((kind) => ({ prefix: Buffer.from(`${kind}:`), count: 0 }));
  }

  /** Does an entry name a selector of this counted kind? */
  names(kind: string): boolean {
    const prefix = Buffer.from(`${kind}:`);
    return this.#counted.some((one) => one.count > 0 && one.prefix.equals(prefix));
  }

  /** Distinct selectors. */
  get size(): number {
    return this.#texts.count;
  }

  /** `bytes[start, end)` are the entry's selectors, one a line. Call `anchor` before the next match. */
  add(entry: number, bytes: Buffer, start: number, end: number): void {
    this.#reserve(entry);
    const at = this.#poolUsed;
    let used = at + 1;
    for (let from = start; from <= end; ) {
      let to = from;
      while (to < end && bytes[to] !== LINE_FEED) to += 1;
      const token = this.#token(bytes, from, to);
      this.#named[token] = (this.#named[token] as number) + 1;
      this.#count(1, bytes, from, to);
      this.#pool = grown(this.#pool, used);
      this.#pool[used] = token;
      used += 1;
      from = to + 1;
    }
    this.#pool[at] = used - at - 1;
    this.#at[entry] = at;
    this.#poolUsed = used;
  }

  /** Hangs an added entry on its rarest selector; does nothing for one that is not here. */
  anchor(entry: number): void {
    const at = this.#at[entry] ?? 0;
    if (at === 0) return;
    let rarest = this.#pool[at + 1] as number;
    for (let i = 1; i <= (this.#pool[at] as number); i += 1) {
      const token = this.#pool[at + i] as number;
      if ((this.#named[token] as number) < (this.#named[rarest] as number)) rarest = token;
    }
    const head = this.#first[rarest] as number;
    this.#anchor[entry] = rarest;
    this.#previous[entry] = 0;
    this.#next[entry] = head;
    if (head !== 0) this.#previous[head - 1] = entry + 1;
    this.#first[rarest] = entry + 1;
  }

  /** Does nothing when the entry is not here. */
  remove(entry: number): void {
    const at = this.#at[entry] ?? 0;
    if (at === 0) return;
    this.#unhang(entry);
    this.#at[entry] = 0;
    const count = this.#pool[at] as number;
    for (let i = 1; i <= count; i += 1) {
      const token = this.#pool[at + i] as number;
      const named = (this.#named[token] as number) - 1;
      this.#named[token] = named;
      this.#texts.visit(token, (bytes, start, end) => this.#count(-1, bytes, start, end));
      if (named === 0) this.#texts.remove(token);
    }
    this.#poolGarbage += count + 1;
    if (this.#poolGarbage * 2 > this.#poolUsed && this.#poolGarbage > FIRST) this.#compact();
  }

  /** Entries all of whose selectors are among `selectors`, in no order. */
  match(selectors: Iterable<string>): number[] {
    this.#now += 1;
    const tokens: number[] = [];
    for (const selector of selectors) {
      const token = this.#texts.find(selector);
      if (token < 0 || this.#stamp[token] === this.#now) continue;
      this.#stamp[token] = this.#now;
      tokens.push(token);
    }
    const matched: number[] = [];
    for (const token of tokens) {
      for (let hung = this.#first[token] as number; hung !== 0; hung = this.#next[hung - 1] as number) {
        if (this.#allStamped(this.#at[hung - 1] as number)) matched.push(hung - 1);
      }
    }
    return matched;
  }

  /**
   * Entries that lack few of `selectors`, the nearest first: at most `most`, each lacking one selector, or more if it has
   * one of them at least. Looks at every entry, a slice at a time; between slices entries may come and go.
   */
  async nearest(selectors: Iterable<string>, most: number, pause: () => Promise<void>): Promise<number[]> {
    const tokens = new Set<number>();
    for (const selector of selectors) tokens.add(this.#texts.find(selector));
    let best: Near[] = [];
    /** Once there are enough, whoever is not nearer than this is not among them. */
    let farthest: Near | undefined;
    for (let entry = 0; entry < this.#at.length; entry += 1) {
      if (entry % SLICE === SLICE - 1) await pause();
      const near = this.#distance(entry, tokens);
      if (near === undefined || (farthest !== undefined && !isNearer(near, farthest))) continue;
      best.push(near);
      if (best.length < most * 4) continue;
      best = nearestOf(best, most);
      farthest = best.at(-1);
    }
    return nearestOf(best, most).map((near) => near.entry);
  }

  #distance(entry: number, tokens: ReadonlySet<number>): Near | undefined {
    const at = this.#at[entry] ?? 0;
    if (at === 0) return undefined;
    const count = this.#pool[at] as number;
    let has = 0;
    for (let i = 1; i <= count; i += 1) if (tokens.has(this.#pool[at + i] as number)) has += 1;
    const lacks = count - has;
    return lacks === 0 || (has === 0 && lacks > 1) ? undefined : { entry, lacks, has };
  }

  #allStamped(at: number): boolean {
    const end = at + (this.#pool[at] as number);
    for (let i = at + 1; i <= end; i += 1) if (this.#stamp[this.#pool[i] as number] !== this.#now) return false;
    return true;
  }

  #count(by: 1 | -1, bytes: Buffer, start: number, end: number): void {
    for (const one of this.#counted) {
      const length = one.prefix.length;
      if (end - start >= length && one.prefix.compare(bytes, start, start + length) === 0) one.count += by;
    }
  }

  #token(bytes: Buffer, start: number, end: number): number {
    const known = this.#texts.findBytes(bytes, start, end);
    if (known >= 0) return known;
    const token = this.#texts.putBytes(bytes, start, end);
    this.#named = grown(this.#named, token);
    this.#first = grown(this.#first, token);
    this.#stamp = grown(this.#stamp, token);
    return token;
  }

  #unhang(entry: number): void {
    const next = this.#next[entry] as number;
    const previous = this.#previous[entry] as number;
    if (next !== 0) this.#previous[next - 1] = previous;
    if (previous !== 0) this.#next[previous - 1] = next;
    else this.#first[this.#anchor[entry] as number] = next;
  }

  #reserve(entry: number): void {
    this.#at = grown(this.#at, entry);
    this.#anchor = grown(this.#anchor, entry);
    this.#next = grown(this.#next, entry);
    this.#previous = grown(this.#previous, entry);
  }

  #compact(): void {
    const pool = new Int32Array(Math.max(FIRST * 4, (this.#poolUsed - this.#poolGarbage) * 2));
    let used = 1;
    for (let entry = 0; entry < this.#at.length; entry += 1) {
      const at = this.#at[entry] as number;
      if (at === 0) continue;
      const size = (this.#pool[at] as number) + 1;
      pool.set(this.#pool.subarray(at, at + size), used);
      this.#at[entry] = used;
      used += size;
    }
    this.#pool = pool;
    this.#poolUsed = used;
    this.#poolGarbage = 0;
  }
}
