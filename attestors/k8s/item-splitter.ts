// SPDX-License-Identifier: Apache-2.0
/**
 * Cuts a Kubernetes list (`{"kind":"PodList",…,"items":[{…},{…}]}`) into its items while it comes in, so that a list of many
 * megabytes is never held or parsed in one go. It finds where items begin and end; what they are is for JSON.parse to say,
 * and so is the rest of the list, which is handed over at the end with nothing between the brackets.
 */
export interface SplitterRules {
  /** Of one item. */
  readonly itemBytes: number;
  /** Of all that is not an item. */
  readonly restBytes: number;
}

/** What came is no list of that shape. */
export class NoList extends Error {}

/** One is larger than the rules allow. */
export class TooLarge extends Error {}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What a byte means outside texts. */
const MEANINGS = new Uint8Array(256);
const [TEXT, OPENS, CLOSES] = [1, 2, 3] as const;
MEANINGS[QUOTE] = TEXT;
MEANINGS[OPEN_OBJECT] = OPENS;
MEANINGS[OPEN_LIST] = OPENS;
MEANINGS[CLOSE_OBJECT] = CLOSES;
MEANINGS[CLOSE_LIST] = CLOSES;

/** Where it stands in the text. */
type Place = 'around' | 'between items' | 'in an item';

export class ItemSplitter {
  readonly #rules: SplitterRules;
  #place: Place = 'around';
  /** Within what is being read: the list's own object, or the item. */
  #depth = 0;
  #inText = false;
  #escaped = false;
  /** Of the item that is coming in. */
  #parts: Buffer[] = [];
  #partBytes = 0;
  #rest = '';

  constructor(rules: SplitterRules) {
    this.#rules = rules;
  }

  /** The items that end within this piece. Throws NoList or TooLarge. */
  *feed(piece: Buffer): Generator<Buffer> {
    for (let at = 0; at < piece.length; ) {
      if (this.#place === 'in an item') {
        const end = this.#skim(piece, at);
        this.#keep(piece.subarray(at, end));
        at = end;
        if (this.#depth === 0) yield this.#take();
      } else {
        const byte = piece[at] as number;
        if (this.#place === 'around') this.#around(byte);
        else if (byte === OPEN_OBJECT) this.#place = 'in an item';
        else this.#between(byte);
        // The bracket that opens an item is part of it.
        if (this.#place !== 'in an item') at += 1;
      }
    }
  }

  /** The list without its items. Throws NoList when it ends within them. */
  end(): string {
    if (this.#place !== 'around') throw new NoList('it ends within its items');
    return this.#rest;
  }

  /** Where the item ends, or the piece does. Nearly every byte of a list passes here: locals, and tight loops. */
  #skim(piece: Buffer, from: number): number {
    const { length } = piece;
    let depth = this.#depth;
    let inText = this.#inText;
    let escaped = this.#escaped;
    let at = from;
    while (at < length) {
      if (escaped) {
        escaped = false;
        at += 1;
      } else if (inText) {
        at = endOfPlain(piece, at);
        if (at === length) break;
        escaped = piece[at] === BACKSLASH;
        inText = escaped;
        at += 1;
      } else {
        const meaning = MEANINGS[piece[at] as number];
        at += 1;
        if (meaning === TEXT) inText = true;
        else if (meaning === OPENS) depth += 1;
        else if (meaning === CLOSES) depth -= 1;
        if (meaning === CLOSES && depth === 0) break;
      }
    }
    this.#depth = depth;
    this.#inText = inText;
    this.#escaped = escaped;
    return at;
  }

  /** What is not an item goes to `rest`, up to the bracket that opens the items. */
  #around(byte: number): void {
    this.#rest += String.fromCharCode(byte);
    // guard: I9 test/attestors/k8s/item-splitter.test.ts
    if (this.#rest.length > this.#rules.restBytes)
      throw new TooLarge(`over ${this.#rules.restBytes} bytes beside its items`);
    if (byte !== OPEN_LIST) return;
    if (!OPENS_ITEMS.test(this.#rest)) throw new NoList('it has another list before its items, or after them');
    this.#place = 'between items';
  }

  #between(byte: number): void {
    if (byte === CLOSE_LIST) {
      this.#place = 'around';
      this.#rest += ']';
    } else if (byte !== COMMA && !isSpace(byte)) throw new NoList('an item is no object');
  }

  #take(): Buffer {
    const item = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts, this.#partBytes);
    this.#place = 'between items';
    this.#parts = [];
    this.#partBytes = 0;
    return item;
  }

  #keep(part: Buffer): void {
    this.#partBytes += part.length;
    // guard: I9 test/attestors/k8s/item-splitter.test.ts
    if (this.#partBytes > this.#rules.itemBytes) throw new TooLarge(`over ${this.#rules.itemBytes} bytes in one item`);
    this.#parts.push(part);
  }
}

/** The member of the list's own object: before it stand whole members only, texts and flat objects, as Go writes them. */
const OPENS_ITEMS = /^\s*\{\s*(?:"[^"\\]*"\s*:\s*(?:"[^"\\]*"|\{(?:\s|"[^"\\]*"|[:,0-9])*\})\s*,\s*)*"items"\s*:\s*\[$/;

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Of a text, where it ends or something is escaped. */
function endOfPlain(piece: Buffer, from: number): number {
  let at = from;
  for (; at < piece.length; at += 1) {
    const byte = piece[at];
    if (byte === QUOTE || byte === BACKSLASH) break;
  }
  return at;
}
