// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Failure } from '../../src/lib/failure.ts';
import { JsonNumber, type JsonValue, parseJsonText } from '../../src/lib/json-text.ts';

/** What JSON.parse would have made of it; names stay names. */
function plain(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.source);
  if (value instanceof Map) return new Map([...value].map(([name, member]) => [name, plain(member)]));
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

function asMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asMaps);
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([name, member]) => [name, asMaps(member)]));
  return value;
}

describe('a JSON text', () => {
  it('reads as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        expect(plain(parseJsonText(text, 'text'))).toEqual(asMaps(JSON.parse(text)));
      }),
    );
  });

  it('that JSON.parse refuses is refused, whatever was changed in it', () => {
    const mutated = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom('', '"', '{', ']', ',', ':', '\\', '0', '-', '.', 'e', '\u0000', ' ', 'null'),
      )
      .map(
        ([text, at, piece]) => text.slice(0, at % (text.length + 1)) + piece + text.slice((at % (text.length + 1)) + 1),
      );
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string()), (text) => {
        let expected: unknown;
        try {
          expected = asMaps(JSON.parse(text));
        } catch {
          expect(() => parseJsonText(text, 'text')).toThrow(Failure);
          return;
        }
        try {
          expect(plain(parseJsonText(text, 'text'))).toEqual(expected);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          expect(error.message).toContain('is there twice');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('BUN-15: with a member named twice is refused, however the name is written', () => {
    expect(() => parseJsonText('{"a":1,"a":2}', 'text')).toThrow('the member "a" is there twice');
    expect(() => parseJsonText('{"a":1,"\\u0061":2}', 'text')).toThrow('the member "a" is there twice');
    expect(() => parseJsonText('[{"x":{"b":1,"b":1}}]', 'text')).toThrow('the member "b" is there twice');
  });

  it('BUN-04: keeps every digit of a number', () => {
    expect(parseJsonText('18446744073709551615', 'text')).toEqual(new JsonNumber('18446744073709551615'));
  });

  it('B7: has no special names', () => {
    const value = parseJsonText('{"__proto__":{"isAdmin":true},"constructor":1,"prototype":2}', 'text') as ReadonlyMap<
      string,
      JsonValue
    >;
    expect([...value.keys()]).toEqual(['__proto__', 'constructor', 'prototype']);
    expect((value as unknown as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it('I9: nested too deep is refused before it costs anything', () => {
    expect(() => parseJsonText(`${'['.repeat(32)}1${']'.repeat(32)}`, 'text')).not.toThrow();
    expect(() => parseJsonText(`${'['.repeat(33)}1${']'.repeat(33)}`, 'text')).toThrow('nested deeper than 32');
    expect(() => parseJsonText('['.repeat(1_000_000), 'text')).toThrow('nested deeper than 32');
  });

  it.each([
    ['{"a" 1}', 'a colon is missing at character 6'],
    ['{"a":1', 'an object does not end at character 7'],
    ['[1 2]', 'an array does not end at character 4'],
    ['', 'a value is missing at character 1'],
    ['1 2', 'something follows the value at character 3'],
    ['{a:1}', 'a string is missing or broken at character 2'],
  ])('%j is refused, saying where', (text, reason) => {
    expect(() => parseJsonText(text, 'bundle')).toThrow(`bundle: no usable JSON: ${reason}`);
  });
});
