// SPDX-License-Identifier: Apache-2.0
/**
 * Values as D-Bus marshals them (D-Bus Specification, "Message Protocol", "Marshaling"), little-endian: what the x86-64 and
 * aarch64 that Assay runs on send. Everything read is checked: alignment, padding, lengths, text, depth.
 */
export class BusError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BusError';
  }
}

/** Nesting that messages of the system manager have is 3; the specification allows 64. */
const DEEPEST = 16;
const LONGEST_SIGNATURE = 255;
const LONGEST_ARRAY = 64 << 20;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** How values are aligned, by the first character of their type. */
const ALIGNMENT: ReadonlyMap<string, number> = new Map([
  ...['y', 'g', 'v'].map((type) => [type, 1] as const),
  ...['n', 'q'].map((type) => [type, 2] as const),
  ...['b', 'i', 'u', 's', 'o', 'a', 'h'].map((type) => [type, 4] as const),
  ...['x', 't', 'd', '(', '{'].map((type) => [type, 8] as const),
]);

/** The single complete types that a signature is made of, in order. Throws a BusError. */
export function typesOf(signature: string): string[] {
  if (signature.length > LONGEST_SIGNATURE) throw new BusError('a signature is too long');
  const types: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at, 0);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function endOfType(signature: string, at: number, depth: number): number {
  if (depth > DEEPEST) throw new BusError('a signature is too deep');
  const type = signature[at] ?? '';
  if (type === 'a') {
    if (signature[at + 1] === '{') return endOfGroup(signature, at + 1, '}', depth);
    return endOfType(signature, at + 1, depth + 1);
  }
  if (type === '(') return endOfGroup(signature, at, ')', depth);
  if (type === '{' || !ALIGNMENT.has(type)) throw new BusError('a signature has a type that there is not');
  return at + 1;
}

function endOfGroup(signature: string, at: number, close: string, depth: number): number {
  let end = at + 1;
  let members = 0;
  while (end < signature.length && signature[end] !== close) {
    end = endOfType(signature, end, depth + 1);
    members += 1;
  }
  const fits = close === '}' ? members === 2 : members > 0;
  if (signature[end] !== close || !fits) throw new BusError('a signature has a group that is none');
  return end + 1;
}

/** Structures, arrays and dictionaries as lists; a variant as its value. */
export type Value = string | number | bigint | boolean | readonly Value[];

export class ValueReader {
  readonly #bytes: Buffer;
  #at = 0;

  /** Alignment counts from the first byte. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** One value of a single complete type. Throws a BusError. */
  read(type: string, depth = 0): Value {
    if (depth > DEEPEST) throw new BusError('a value is too deep');
    this.align(ALIGNMENT.get(type[0] ?? '') ?? 1);
    switch (type[0]) {
      case 'y':
        return this.#take(1).readUInt8(0);
      case 'b':
        return this.#boolean();
      case 'n':
        return this.#take(2).readInt16LE(0);
      case 'q':
        return this.#take(2).readUInt16LE(0);
      case 'i':
        return this.#take(4).readInt32LE(0);
      case 'u':
      case 'h':
        return this.uint32();
      case 'x':
        return this.#take(8).readBigInt64LE(0);
      case 't':
        return this.#take(8).readBigUInt64LE(0);
      case 'd':
        return this.#take(8).readDoubleLE(0);
      case 's':
      case 'o':
        return this.#text(this.uint32());
      case 'g':
        return this.#text(this.#take(1).readUInt8(0));
      case 'v':
        return this.variant(depth).value;
      case 'a':
        return this.#array(type.slice(1), depth);
      case '(':
      case '{':
        return typesOf(type.slice(1, -1)).map((member) => this.read(member, depth + 1));
      default:
        throw new BusError('a value has a type that there is not');
    }
  }

  uint32(): number {
    return this.#take(4).readUInt32LE(0);
  }

  align(to: number): void {
    const padding = this.#take((to - (this.#at % to)) % to);
    if (padding.some((byte) => byte !== 0)) throw new BusError('padding is not zero');
  }

  #boolean(): boolean {
    const value = this.uint32();
    if (value > 1) throw new BusError('a boolean is neither 0 nor 1');
    return value === 1;
  }

  #text(length: number): string {
    const bytes = this.#take(length);
    if (this.#take(1)[0] !== 0 || bytes.includes(0)) throw new BusError('text does not end where it says');
    try {
      return utf8.decode(bytes);
    } catch {
      throw new BusError('text is not UTF-8');
    }
  }

  variant(depth = 0): { readonly type: string; readonly value: Value } {
    const [type, ...more] = typesOf(this.#text(this.#take(1).readUInt8(0)));
    if (type === undefined || more.length > 0) throw new BusError('a variant holds not one value');
    return { type, value: this.read(type, depth + 1) };
  }

  #array(type: string, depth: number): Value[] {
    const length = this.uint32();
    this.align(ALIGNMENT.get(type[0] ?? '') ?? 1);
    const end = this.#at + length;
    if (length > LONGEST_ARRAY || end > this.#bytes.length) throw new BusError('an array is longer than its message');
    const items: Value[] = [];
    while (this.#at < end) items.push(this.read(type.startsWith('{') ? `(${type.slice(1, -1)})` : type, depth + 1));
    if (this.#at !== end) throw new BusError('an array does not end where it says');
    return items;
  }

  #take(count: number): Buffer {
    if (count > this.#bytes.length - this.#at) throw new BusError('a message ends too early');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
}

/** Writes what we send: numbers and text. */
export class ValueWriter {
  readonly #parts: Buffer[] = [];
  #length = 0;

  write(type: 'u' | 's' | 'o' | 'g', value: string | number): void {
    if (type === 'u') {
      this.align(4);
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value as number);
      this.bytes(bytes);
      return;
    }
    const text = Buffer.from(String(value));
    if (type === 'g') this.bytes(Buffer.from([text.length]));
    else this.write('u', text.length);
    this.bytes(text, Buffer.alloc(1));
  }

  align(to: number): void {
    this.bytes(Buffer.alloc((to - (this.#length % to)) % to));
  }

  bytes(...parts: readonly Buffer[]): void {
    for (const part of parts) {
      this.#parts.push(part);
      this.#length += part.length;
    }
  }

  get length(): number {
    return this.#length;
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
