// SPDX-License-Identifier: Apache-2.0
/** D-Bus as it is on the wire: recorded bytes, everything that can be wrong with them, and bytes of any kind. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  encode,
  encodeCall,
  METHOD_RETURN,
  type Message,
  MessageReader,
  valuesOf,
} from '../../../attestors/systemd/bus/messages.ts';
import { BusError, typesOf, ValueReader, ValueWriter } from '../../../attestors/systemd/bus/values.ts';

const MOST = 4_096;
const read = (bytes: Buffer, cut = bytes.length, over: () => void = () => undefined): Message[] => {
  const reader = new MessageReader(MOST, over);
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length; at += cut) messages.push(...reader.take(bytes.subarray(at, at + cut)));
  return messages;
};

/**
 * Written by hand after the specification: the answer 7 to call 5 from :1.3, with an object path. It is what dbus-daemon
 * 1.14 and systemd 252 send, byte for byte, but for the names.
 */
const ANSWER = Buffer.from(
  [
    '6c 02 01 01', // little-endian, method return, no reply expected, version 1
    '11 00 00 00', // 17 bytes of body
    '07 00 00 00', // serial
    '20 00 00 00', // 32 bytes of fields
    '05 01 75 00 05 00 00 00', // reply serial: u 5
    '08 01 67 00 01 6f 00 00', // signature: g "o"
    '07 01 73 00 04 00 00 00 3a 31 2e 33 00 00 00 00', // sender: s ":1.3", padded
    '0c 00 00 00 2f 70 61 79 6d 65 6e 74 73 5f 32 65 00', // o "/payments_2e"
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);
ANSWER.writeUInt32LE(29, 12);

describe('a message', () => {
  it('is read as it stands in the specification', () => {
    const [message] = read(ANSWER);
    expect(message).toMatchObject({ type: METHOD_RETURN, serial: 7, replySerial: 5, sender: ':1.3', signature: 'o' });
    expect(valuesOf(message as Message, 'o')).toEqual(['/payments_2e']);
  });

  it('is the same in whatever pieces it comes', () => {
    const three = Buffer.concat([ANSWER, ANSWER, ANSWER]);
    for (const cut of [1, 2, 3, 7, 16, 17, 40, 1_000]) {
      expect(read(three, cut).map((message) => valuesOf(message, 'o'))).toEqual(Array(3).fill(['/payments_2e']));
    }
  });

  it('is written so that it can be read', () => {
    const call = {
      destination: ':1.3',
      path: '/a',
      interface: 'b.C',
      member: 'D',
      signature: 'uss',
      values: [7, 'x', ''],
    };
    const [message] = read(encodeCall(call, 9));
    expect(message).toMatchObject({ serial: 9, path: '/a', interface: 'b.C', member: 'D' });
    expect(message?.signature).toBe('uss');
  });

  it('keeps nothing of the piece that brought it', () => {
    const piece = Buffer.concat([ANSWER, Buffer.alloc(1 << 20)]);
    expect(read(piece.subarray(0, ANSWER.length))[0]?.body.buffer.byteLength).toBeLessThan(1 << 20);
  });

  it.each<[string, (bytes: Buffer) => void]>([
    ['is big-endian', (bytes) => bytes.write('B', 0)],
    ['is of another version', (bytes) => bytes.writeUInt8(2, 3)],
    ['has no type', (bytes) => bytes.writeUInt8(0, 1)],
    ['has no serial', (bytes) => bytes.writeUInt32LE(0, 8)],
    ['has a field twice', (bytes) => bytes.writeUInt8(7, 16)],
    ['has a field of another type', (bytes) => bytes.write('i', 18)],
    ['has fields longer than it says', (bytes) => bytes.writeUInt32LE(28, 12)],
    ['has padding that is not zero', (bytes) => bytes.writeUInt8(1, 31)],
    ['has text without an end', (bytes) => bytes.write('x', 44)],
  ])('is refused when it %s', (_what, spoil) => {
    const bytes = Buffer.from(ANSWER);
    spoil(bytes);
    expect(() => read(Buffer.concat([bytes, Buffer.alloc(64)]))).toThrow(BusError);
  });

  it('I9: is refused when it is longer than D-Bus allows, before it has come', () => {
    const bytes = Buffer.from(ANSWER.subarray(0, 16));
    bytes.writeUInt32LE(1 << 28, 4);
    expect(() => read(bytes)).toThrow(/longer than D-Bus allows/);
  });

  it('I9: is passed over when it is too large, told of, and the next one is read', () => {
    const large = encode(4, 1, [], Buffer.alloc(MOST));
    for (const cut of [1, 100, 1_000_000]) {
      let over = 0;
      const messages = read(Buffer.concat([large, ANSWER]), cut, () => {
        over += 1;
      });
      expect([over, messages.length]).toEqual([1, 1]);
    }
  });

  it('has the values that its signature says, and no more', () => {
    const [message] = read(ANSWER) as [Message];
    expect(() => valuesOf(message, 's')).toThrow(/signature s/);
    const longer = { ...message, body: Buffer.concat([message.body, Buffer.alloc(1)]) };
    expect(() => valuesOf(longer, 'o')).toThrow(/longer than its values/);
    expect(() => valuesOf({ ...message, body: message.body.subarray(1) }, 'o')).toThrow(BusError);
  });

  it('whatever bytes it is, is a message or a BusError, and nothing else happens', () => {
    const spoilt = fc
      .tuple(
        fc.array(fc.tuple(fc.nat(ANSWER.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 64 }),
      )
      .map(([changes, more]) => {
        const bytes = Buffer.concat([ANSWER, Buffer.from(more)]);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(
        fc.oneof(
          spoilt,
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          try {
            for (const message of read(bytes)) valuesOf(message, message.signature);
          } catch (error) {
            expect(error).toBeInstanceOf(BusError);
          }
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe('a signature', () => {
  it.each([
    ['', []],
    ['uso', ['u', 's', 'o']],
    ['a(oss)b', ['a(oss)', 'b']],
    ['a{sv}a{s(ii)}v', ['a{sv}', 'a{s(ii)}', 'v']],
    ['aaai', ['aaai']],
  ])('%s is made of its types', (signature, types) => {
    expect(typesOf(signature)).toEqual(types);
  });

  it.each([
    'a',
    '(',
    '()',
    '(i',
    'i)',
    '{sv}',
    'a{s}',
    'a{sss}',
    'z',
    `${'a'.repeat(40)}i`,
    '('.repeat(40),
    'i'.repeat(256),
  ])('%s is none', (signature) => {
    expect(() => typesOf(signature)).toThrow(BusError);
  });
});

describe('values', () => {
  const bytesOf = (...numbers: number[]): ValueReader => new ValueReader(Buffer.from(numbers));

  it('are read at their alignment', () => {
    const body = new ValueWriter();
    body.bytes(Buffer.from([9]));
    body.align(4);
    body.write('s', 'ä');
    body.write('u', 2 ** 32 - 1);
    const reader = new ValueReader(body.toBuffer());
    expect([reader.read('y'), reader.read('s'), reader.read('u'), reader.done]).toEqual([9, 'ä', 2 ** 32 - 1, true]);
  });

  it('are read in structures, arrays, dictionaries and variants', () => {
    // a(yv): two structures, each with a byte and a variant.
    const array = bytesOf(16, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0x62, 0, 1, 0, 0, 0, 2, 1, 0x79, 0, 7, 0, 0, 0);
    expect(() => array.read('a(yv)')).toThrow(BusError);
    const fits = bytesOf(13, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0x62, 0, 1, 0, 0, 0, 2, 1, 0x79, 0, 7);
    expect(fits.read('a(yv)')).toEqual([
      [1, true],
      [2, 7],
    ]);
    expect(bytesOf(10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0).read('u')).toBe(10);
  });

  it.each<[string, string, number[]]>([
    ['a boolean that is neither', 'b', [2, 0, 0, 0]],
    ['text that is not UTF-8', 's', [1, 0, 0, 0, 0xff, 0]],
    ['text with a zero in it', 's', [2, 0, 0, 0, 0x61, 0, 0]],
    ['text without its zero', 's', [1, 0, 0, 0, 0x61, 0x61]],
    ['text longer than all', 's', [0xff, 0xff, 0xff, 0xff, 0x61, 0]],
    ['an array longer than all', 'ay', [0xff, 0xff, 0, 0, 1]],
    ['an array that ends within a value', 'au', [6, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]],
    ['a variant of two values', 'v', [2, 0x79, 0x79, 0, 1, 2]],
    ['a variant of none', 'v', [0, 0]],
    ['variants without end', 'v', Array.from({ length: 60 }, () => [1, 0x76, 0]).flat()],
    ['a number that is cut short', 't', [1, 2, 3]],
  ])('are refused with %s', (_what, type, bytes) => {
    expect(() => bytesOf(...bytes).read(type)).toThrow(BusError);
  });
});
