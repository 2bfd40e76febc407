// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SelectorIndex } from '../../src/registry/index/selector-index.ts';

const selectors = ['unix:uid:1', 'unix:uid:2', 'unix:gid:1', 'docker:env:A=ü b', 'k8s:ns:x', 'k8s:ns:xy', 'a:b'];
const some = fc.uniqueArray(fc.constantFrom(...selectors), { minLength: 1, maxLength: 4 });
const step = fc.oneof(
  fc.tuple(fc.constant('add' as const), fc.nat(30), some),
  fc.tuple(fc.constant('remove' as const), fc.nat(30), some),
  fc.tuple(fc.constant('match' as const), fc.nat(30), fc.uniqueArray(fc.constantFrom(...selectors, 'not:there'))),
);

function add(index: SelectorIndex, entry: number, texts: readonly string[]): void {
  const bytes = Buffer.from(`before${texts.join('\n')}\x1fafter`);
  index.add(entry, bytes, 6, bytes.length - 6);
  index.anchor(entry);
}

it('finds exactly the entries whose selectors the caller has, each once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const index = new SelectorIndex();
      const model = new Map<number, readonly string[]>();
      for (const [what, entry, texts] of steps) {
        if (what === 'match') {
          const expected = [...model]
            .filter(([, named]) => named.every((one) => texts.includes(one)))
            .map(([one]) => one);
          expect(index.match(texts).sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
          continue;
        }
        index.remove(entry);
        model.delete(entry);
        if (what === 'add') {
          add(index, entry, texts);
          model.set(entry, texts);
        }
      }
      expect(index.size).toBe(new Set([...model.values()].flat()).size);
    }),
  );
});

it('forgets selectors that no entry names, and packs what is left', () => {
  const index = new SelectorIndex();
  for (let i = 0; i < 3000; i += 1) add(index, i, [`unix:uid:${i}`, 'k8s:ns:all']);
  for (let i = 0; i < 3000; i += 1) if (i % 10 !== 0) index.remove(i);
  expect(index.size).toBe(301);
  expect(index.match(['k8s:ns:all', 'unix:uid:20', 'unix:uid:21'])).toEqual([20]);
  index.remove(20);
  index.remove(20);
  expect(index.match(['k8s:ns:all', 'unix:uid:20'])).toEqual([]);
});

it('finds the nearest of the others, those that lack least first', async () => {
  const asked = fc.uniqueArray(fc.constantFrom(...selectors, 'not:there'));
  await fc.assert(
    fc.asyncProperty(
      fc.array(some, { maxLength: 60 }),
      asked,
      fc.integer({ min: 1, max: 4 }),
      async (all, texts, most) => {
        const index = new SelectorIndex();
        for (const [entry, named] of all.entries()) add(index, entry, named);
        const lacks = (named: readonly string[]): number => named.filter((one) => !texts.includes(one)).length;
        const near = all
          .map((named, entry) => ({ entry, lacks: lacks(named), has: named.length - lacks(named) }))
          .filter((one) => one.lacks > 0 && (one.has > 0 || one.lacks === 1))
          .sort((a, b) => a.lacks - b.lacks || b.has - a.has || a.entry - b.entry);
        let pauses = 0;
        const found = await index.nearest(texts, most, async () => {
          pauses += 1;
        });
        expect([found, pauses]).toEqual([near.slice(0, most).map(({ entry }) => entry), 0]);
      },
    ),
  );
});
