// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { fieldOf, fieldsOf, mapOf, NoMessage, textField, textOf, trueField } from '../../../attestors/k8s/protobuf.ts';

const { root } = protobuf.parse(`
  syntax = "proto3";
  message M {
    string text = 1; int64 large = 2; fixed64 eight = 3; fixed32 four = 4; bytes bytes = 200; map<string, string> map = 5; bool yes = 6;
  }
`);
const M = root.lookupType('M');
const encoded = (value: object): Buffer => Buffer.from(M.encode(M.fromObject(value)).finish());

describe('a message of another codec', () => {
  it('is read, whatever it holds', () => {
    const value = fc.record({
      text: fc.string(),
      large: fc.integer(),
      eight: fc.nat(),
      four: fc.nat(),
      bytes: fc.uint8Array({ maxLength: 300 }),
      map: fc.dictionary(fc.string(), fc.string()),
    });
    fc.assert(
      fc.property(value, ({ bytes, map, ...rest }) => {
        const message = encoded({ ...rest, map, bytes: Buffer.from(bytes) });
        expect(textOf(message, 1)).toBe(Buffer.from(rest.text).toString());
        expect(fieldOf(message, 200).equals(bytes)).toBe(true);
        expect(new Map(mapOf(message, 5))).toEqual(new Map(Object.entries(map)));
      }),
    );
  });

  it('reads what is written here', () => {
    const message = Buffer.concat([textField(1, 'ü'.repeat(100)), trueField(6), textField(200, 'x')]);
    expect(M.toObject(M.decode(message), { bytes: String })).toEqual({
      text: 'ü'.repeat(100),
      yes: true,
      bytes: 'eA==',
    });
  });
});

describe('what is no message', () => {
  it.each([
    ['a length beyond the end', [0x0a, 0x05, 0x61]],
    ['a length without end', [0x0a, ...Array(11).fill(0xff)]],
    ['a group', [0x0b]],
    ['a field cut off in its tag', [0x80]],
    ['a number cut off', [0x10, 0x80]],
    ['a fixed number cut off', [0x19, 0x01]],
  ])('is refused: %s', (_what, bytes) => {
    expect(() => [...fieldsOf(Buffer.from(bytes))]).toThrow(NoMessage);
  });

  it('is never read without end, and never beyond it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          for (const [, value] of fieldsOf(Buffer.from(bytes))) expect(value.length).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(NoMessage);
        }
      }),
    );
  });
});
