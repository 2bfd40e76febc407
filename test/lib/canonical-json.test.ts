// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { canonicalJson, type Json } from '../../src/lib/canonical-json.ts';

describe('canonical JSON', () => {
  it('sorts names as RFC 8785 section 3.2.3 shows', () => {
    const value = {
      '€': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '😀': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      ö: 'Latin Small Letter O With Diaeresis',
    };
    const names = Object.values(JSON.parse(canonicalJson(value)) as Record<string, string>);
    // Integer-like names come first in JavaScript's objects too, so the text itself is looked at.
    const text = canonicalJson(value);
    expect(names.map((name) => text.indexOf(name))).not.toContain(-1);
    const order = ['Carriage Return', 'One', 'Control', 'Latin Small', 'Euro Sign', 'Emoji', 'Hebrew Letter'];
    expect(order.map((name) => text.indexOf(name))).toEqual(
      [...order.map((name) => text.indexOf(name))].sort((a, b) => a - b),
    );
  });

  it('escapes text as RFC 8785 section 3.2.2.2 shows, and no more', () => {
    expect(canonicalJson('€$\u000F\nA\'B"\\\\"/\u0080')).toBe('"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u0080"');
  });

  it('has one text for one value, in whatever order it was made', () => {
    expect(canonicalJson({ b: [1, { d: null, c: true }], a: -0 })).toBe('{"a":0,"b":[1,{"c":true,"d":null}]}');
    expect(canonicalJson({ a: 0, b: [1, { c: true, d: null }] })).toBe('{"a":0,"b":[1,{"c":true,"d":null}]}');
  });

  it.each([
    ['a fraction', 0.5],
    ['infinity', Number.POSITIVE_INFINITY],
    ['no number', Number.NaN],
    ['more than a number holds', 2 ** 53],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a name', { '\udc00': 1 }],
    ['undefined', undefined],
    ['nothing where a value is due', { a: undefined }],
    ['a map', new Map()],
    ['a buffer', Buffer.of(1)],
    ['a date', new Date(0)],
    ['a big integer', 1n],
  ])('is none for %s', (_, value) => {
    expect(() => canonicalJson(value as Json)).toThrow(TypeError);
  });

  it('B7: takes names that objects inherit as names', () => {
    const value = JSON.parse('{"__proto__":1,"constructor":2}') as Json;
    expect(canonicalJson(value)).toBe('{"__proto__":1,"constructor":2}');
  });
});
