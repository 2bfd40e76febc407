// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ItemSplitter, NoList, TooLarge } from '../../../attestors/k8s/item-splitter.ts';

const ROOMY = { itemBytes: 1 << 20, restBytes: 1 << 16 };

function split(text: string | Buffer, size = 7, rules = ROOMY): { items: unknown[]; rest: string } {
  const bytes = Buffer.from(text);
  const splitter = new ItemSplitter(rules);
  const items: unknown[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const item of splitter.feed(bytes.subarray(at, at + size))) items.push(JSON.parse(item.toString()));
  }
  return { items, rest: splitter.end() };
}

describe('a list in pieces', () => {
  it.each([1, 2, 3, 16, 10_000])('gives its items and the rest, in pieces of %d bytes', (size) => {
    const items = [{ a: 'x]}"\\' }, {}, { deep: [[{ b: '"items":[' }]], 'ü🙂': 'ü' }];
    const text = JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '7' }, items, more: 1 });
    expect(split(text, size)).toEqual({
      items,
      rest: JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '7' }, items: [], more: 1 }),
    });
  });

  it('may be written with spaces', () => {
    const { items, rest } = split(JSON.stringify({ kind: 'PodList', items: [{ a: 1 }, { b: 2 }] }, undefined, 2));
    expect([items, JSON.parse(rest)]).toEqual([[{ a: 1 }, { b: 2 }], { kind: 'PodList', items: [] }]);
  });

  it('may be of null, which is how an empty one is written', () => {
    expect(split('{"kind":"PodList","items":null}')).toEqual({ items: [], rest: '{"kind":"PodList","items":null}' });
  });

  it('is cut where JSON.parse would, whatever the items hold', () => {
    const value = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(value), fc.integer({ min: 1, max: 50 }), (items, size) => {
        const text = JSON.stringify({ kind: 'PodList', items });
        expect(split(text, size).items).toEqual(JSON.parse(text).items);
      }),
    );
  });

  it.each([
    ['a number among its items', '{"items":[{},7]}'],
    ['null among its items', '{"items":[null]}'],
    ['a text among its items', '{"items":["a"]}'],
    ['its items twice', '{"items":[{}],"items":[{}]}'],
    ['another list before', '{"a":[{}],"items":[{}]}'],
    ['items further in', '{"list":{"items":[{}]}}'],
    ['items in a text', '{"a":"\\"items\\":[","b":[{}]}'],
    ['no object around', '[{}]'],
  ])('is none with %s', (_what, text) => {
    expect(() => split(text)).toThrow(NoList);
  });

  it.each(['{"items":[', '{"items":[{', '{"items":[{"a":"', '{"items":[{}'])('is none when it ends as %s', (text) => {
    expect(() => split(text)).toThrow(NoList);
  });

  it('I9: is refused when an item or the rest is too large, long before it ends', () => {
    const small = { itemBytes: 100, restBytes: 100 };
    expect(() => split(`{"items":[{"a":"${'x'.repeat(200)}"}]}`, 16, small)).toThrow(TooLarge);
    expect(() => split(`{"a":"${'x'.repeat(200)}`, 16, small)).toThrow(TooLarge);
    expect(split(`{"items":[${Array(50).fill('{"a":"x"}').join()}]}`, 16, small).items.length).toBe(50);
  });

  it('I9: is read in time that grows with its length, though it nests without end', () => {
    const splitter = new ItemSplitter(ROOMY);
    const pieces = [...splitter.feed(Buffer.from(`{"items":[{"a":${'['.repeat(500_000)}`))];
    expect(pieces).toEqual([]);
  });
});
