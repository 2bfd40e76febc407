// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyedRows } from '../../src/registry/index/keyed-rows.ts';

/** Few keys, so that they meet; one is the beginning of another; one holds more than a chunk of its own would. */
const keys = ['', 'a', 'ab', 'ü', '__proto__', ...Array.from({ length: 20 }, (_, i) => `key-${i}`)];
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constant('put' as const), fc.constantFrom(...keys), fc.integer({ min: 0, max: 60_000 })),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant('remove' as const), fc.constantFrom(...keys), fc.constant(0)) },
);

function check(rows: KeyedRows, model: ReadonlyMap<string, string>): void {
  expect(rows.count).toBe(model.size);
  for (const key of keys) {
    const slot = rows.find(key);
    expect(slot < 0 ? undefined : rows.text(slot)).toBe(model.get(key));
  }
}

describe('keyed rows', () => {
  it('hold what a map would, through growth, garbage and removal', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const rows = new KeyedRows();
        const model = new Map<string, string>();
        for (const [what, key, size] of steps) {
          const slot = rows.find(key);
          if (what === 'put') {
            const row = `${key}\x1f${'x'.repeat(size)}`;
            const at = rows.put(row);
            // A row keeps its slot while it is replaced.
            if (slot >= 0) expect(at).toBe(slot);
            model.set(key, row);
          } else if (slot >= 0) {
            rows.remove(slot);
            expect(rows.isUsed(slot)).toBe(false);
            model.delete(key);
          }
        }
        check(rows, model);
      }),
      { numRuns: 60 },
    );
  });

  it('take whole chunks over and let go of them when most of it is garbage', () => {
    const rows = new KeyedRows();
    const texts = Array.from({ length: 5000 }, (_, i) => `key-${i}\x1f${'v'.repeat(i % 100)}`);
    const bytes = Buffer.from(texts.join('\x1e'));
    const chunk = rows.adoptChunk(bytes);
    let start = 0;
    const slots = texts.map((text) => {
      const end = start + Buffer.byteLength(text);
      const slot = rows.adoptRow(chunk, start, end);
      start = end + 1;
      return slot;
    });
    for (let i = 0; i < 4000; i += 1) rows.remove(slots[i] as number);
    bytes.fill(0);
    for (let i = 4000; i < 5000; i += 1) expect(rows.text(slots[i] as number)).toBe(texts[i]);
    for (let i = 0; i < 4000; i += 1) rows.put(texts[i] as string);
    expect(rows.count).toBe(5000);
    for (const text of texts) expect(rows.text(rows.find(text.slice(0, text.indexOf('\x1f'))))).toBe(text);
    // Freed slots are used again.
    expect(rows.slots).toBe(5000);
  });
});
