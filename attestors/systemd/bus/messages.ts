// SPDX-License-Identifier: Apache-2.0
/** D-Bus messages (D-Bus Specification, "Message Protocol", "Message Format"): what we send, and what comes cut into pieces. */
import { BusError, typesOf, type Value, ValueReader, ValueWriter } from './values.ts';

export const METHOD_CALL = 1;
export const METHOD_RETURN = 2;
export const ERROR = 3;
export const SIGNAL = 4;

export interface Message {
  readonly type: number;
  readonly serial: number;
  readonly path: string | undefined;
  readonly interface: string | undefined;
  readonly member: string | undefined;
  readonly errorName: string | undefined;
  readonly replySerial: number | undefined;
  /** The unique name of who sent it, as the bus has it; absent without a bus. */
  readonly sender: string | undefined;
  readonly signature: string;
  readonly body: Buffer;
}

/** The values of a message whose body must be of this signature. Throws a BusError. */
export function valuesOf(message: Message, signature: string): readonly Value[] {
  if (message.signature !== signature) throw new BusError(`a message has not the signature ${signature}`);
  const reader = new ValueReader(message.body);
  const values = typesOf(signature).map((type) => reader.read(type));
  if (!reader.done) throw new BusError('a message is longer than its values');
  return values;
}

export interface Call {
  /** Absent without a bus. */
  readonly destination?: string | undefined;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  /** One for each of the signature, which has `u`, `s` and `o` alone. */
  readonly values?: readonly (string | number)[];
}

const LITTLE_ENDIAN = 0x6c;
const PROTOCOL = 1;
const [PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE] = [1, 2, 3, 4, 5, 6, 7, 8];

/** The types of the fields that we know; others are read and forgotten. */
const FIELD_TYPES: ReadonlyMap<number, string> = new Map([
  [PATH, 'o'],
  [INTERFACE, 's'],
  [MEMBER, 's'],
  [ERROR_NAME, 's'],
  [REPLY_SERIAL, 'u'],
  [DESTINATION, 's'],
  [SENDER, 's'],
  [SIGNATURE, 'g'],
] as [number, string][]);

export function encodeCall(call: Call, serial: number): Buffer {
  const { signature = '', values = [] } = call;
  const body = new ValueWriter();
  for (const [at, type] of typesOf(signature).entries())
    body.write(type as 'u' | 's' | 'o', values[at] as string | number);
  const fields: [number, 'o' | 's' | 'g', string | undefined][] = [
    [PATH as number, 'o', call.path],
    [INTERFACE as number, 's', call.interface],
    [MEMBER as number, 's', call.member],
    [DESTINATION as number, 's', call.destination],
    [SIGNATURE as number, 'g', signature === '' ? undefined : signature],
  ];
  return encode(METHOD_CALL, serial, fields, body.toBuffer());
}

export function encode(
  type: number,
  serial: number,
  fields: readonly (readonly [number, 'o' | 's' | 'g' | 'u', string | number | undefined])[],
  body: Buffer,
): Buffer {
  const list = new ValueWriter();
  for (const [code, kind, value] of fields) {
    if (value === undefined) continue;
    list.align(8);
    list.bytes(Buffer.from([code]));
    list.write('g', kind);
    list.write(kind, value);
  }
  const head = new ValueWriter();
  head.bytes(Buffer.from([LITTLE_ENDIAN, type, 0, PROTOCOL]));
  head.write('u', body.length);
  head.write('u', serial);
  head.write('u', list.length);
  head.bytes(list.toBuffer());
  head.align(8);
  head.bytes(body);
  return head.toBuffer();
}

const FIXED_BYTES = 16;
/** "The maximum length of a message, including header, header alignment padding, and body is 2 to the 27th power". */
const LONGEST_BYTES = 1 << 27;

/** Cuts a stream of bytes into messages. Larger ones than `mostBytes` are passed over, and told of. */
export class MessageReader {
  readonly #mostBytes: number;
  readonly #passedOver: () => void;
  #have: Buffer = Buffer.alloc(0);
  #skip = 0;

  constructor(mostBytes: number, passedOver: () => void) {
    this.#mostBytes = mostBytes;
    this.#passedOver = passedOver;
  }

  /** Whole messages. Throws a BusError: what follows cannot be understood. */
  take(bytes: Buffer): Message[] {
    const messages: Message[] = [];
    this.#have = this.#have.length === 0 ? bytes : Buffer.concat([this.#have, bytes]);
    for (;;) {
      const skipped = Math.min(this.#skip, this.#have.length);
      this.#skip -= skipped;
      this.#have = this.#have.subarray(skipped);
      if (this.#have.length < FIXED_BYTES) break;
      const length = lengthOf(this.#have);
      // guard: I9 test/attestors/systemd/messages.test.ts
      if (length > this.#mostBytes) {
        this.#skip = length;
        this.#passedOver();
        continue;
      }
      if (this.#have.length < length) break;
      messages.push(decode(this.#have.subarray(0, length)));
      this.#have = this.#have.subarray(length);
    }
    // A rest that is kept must not keep the whole piece that brought it.
    this.#have = Buffer.from(this.#have);
    return messages;
  }
}

function lengthOf(head: Buffer): number {
  if (head[0] !== LITTLE_ENDIAN) throw new BusError('a message is not little-endian');
  if (head[3] !== PROTOCOL) throw new BusError('a message is of another version of the protocol');
  const fields = head.readUInt32LE(12);
  const length = FIXED_BYTES + fields + ((8 - (fields % 8)) % 8) + head.readUInt32LE(4);
  if (length > LONGEST_BYTES) throw new BusError('a message is longer than D-Bus allows');
  return length;
}

function decode(bytes: Buffer): Message {
  const [type, bodyLength, serial] = [bytes[1] as number, bytes.readUInt32LE(4), bytes.readUInt32LE(8)];
  if (type === 0 || serial === 0) throw new BusError('a message has no type or no serial');
  const fields = readFields(bytes.subarray(0, bytes.length - bodyLength));
  const text = (code: number | undefined): string | undefined => fields.get(code as number) as string | undefined;
  return {
    type,
    serial,
    path: text(PATH),
    interface: text(INTERFACE),
    member: text(MEMBER),
    errorName: text(ERROR_NAME),
    replySerial: fields.get(REPLY_SERIAL as number) as number | undefined,
    sender: text(SENDER),
    signature: text(SIGNATURE) ?? '',
    // A copy: what is kept of a message must not keep the whole piece that brought it.
    body: Buffer.from(bytes.subarray(bytes.length - bodyLength)),
  };
}

function readFields(head: Buffer): ReadonlyMap<number, Value> {
  const reader = new ValueReader(head);
  for (let byte = 0; byte < 12; byte += 1) reader.read('y');
  const fields = new Map<number, Value>();
  const end = FIXED_BYTES + reader.uint32();
  while (reader.at < end) {
    reader.align(8);
    const code = reader.read('y') as number;
    const { type, value } = reader.variant();
    const known = FIELD_TYPES.get(code);
    if (known === undefined) continue;
    if (known !== type || fields.has(code)) throw new BusError('a header field is of another type, or there twice');
    fields.set(code, value);
  }
  if (reader.at !== end) throw new BusError('the header fields do not end where they say');
  reader.align(8);
  if (!reader.done) throw new BusError('the header is longer than its fields');
  return fields;
}
