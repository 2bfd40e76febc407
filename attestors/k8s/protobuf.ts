// SPDX-License-Identifier: Apache-2.0
/** As much of the Protocol Buffers encoding (protobuf.dev/programming-guides/encoding) as one request and its answer need. */
const VARINT = 0;
const BYTES = 2;
/** Wire types of fixed size, and that size. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [1, 8],
  [5, 4],
]);

export class NoMessage extends Error {}

export function textField(number: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([varint(number * 8 + BYTES), varint(bytes.length), bytes]);
}

export function trueField(number: number): Buffer {
  return Buffer.concat([varint(number * 8 + VARINT), varint(1)]);
}

/** The fields that hold text, bytes, a message or a map entry; the others are passed over. Throws NoMessage. */
export function* fieldsOf(message: Buffer): Generator<readonly [number: number, value: Buffer]> {
  for (let at = 0; at < message.length; ) {
    const tag = readVarint(message, at);
    const type = tag.value % 8;
    at = tag.end;
    if (type === VARINT) {
      at = readVarint(message, at).end;
      continue;
    }
    const length = type === BYTES ? readVarint(message, at) : { value: FIXED.get(type) ?? -1, end: at };
    const end = length.end + length.value;
    // guard: I9 test/attestors/k8s/protobuf.test.ts
    if (length.value < 0 || end > message.length) throw new NoMessage('a field that is cut off, or of no known type');
    if (type === BYTES) yield [Math.floor(tag.value / 8), message.subarray(length.end, end)];
    at = end;
  }
}

/** A field that is there once, the last one if it is there again; empty where it is absent. */
export function fieldOf(message: Buffer, wanted: number): Buffer {
  let found = Buffer.alloc(0);
  for (const [number, value] of fieldsOf(message)) if (number === wanted) found = value as Buffer<ArrayBuffer>;
  return found;
}

export function textOf(message: Buffer, wanted: number): string {
  return fieldOf(message, wanted).toString('utf8');
}

/** A field of type map<string, string>. */
export function mapOf(message: Buffer, wanted: number): ReadonlyMap<string, string> {
  const entries = [...fieldsOf(message)].filter(([number]) => number === wanted);
  return new Map(entries.map(([, entry]) => [textOf(entry, 1), textOf(entry, 2)]));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
}

/** Exact up to 2^53, which is far beyond any length; larger ones are passed over. */
function readVarint(message: Buffer, from: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = from; at < from + 10; at += 1) {
    const byte = message[at];
    if (byte === undefined) break;
    value += (byte % 128) * 128 ** (at - from);
    if (byte < 128) return { value, end: at + 1 };
  }
  throw new NoMessage('a number that does not end');
}
