// SPDX-License-Identifier: Apache-2.0
/** Events with their proofs, a page at a time. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { provesInclusion } from '../../src/merkle/proof.ts';
import type { ProvenEvent } from '../../src/store/events.ts';
import type { Store } from '../../src/store/store.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { NOW } from './samples.ts';

/** A tree with two stored levels, and an edge in each. */
const COUNT = 5_000;
const dir = tempDir('proven');
let store: Store;

beforeAll(async () => {
  store = await openStore(dir);
  const event = { kind: 'use.checked', at: NOW, actor: 'assay', identity: null, payload: '{}' } as const;
  await Promise.all(
    Array.from({ length: COUNT }, (_, at) => store.audit.append({ ...event, task: at % 100 === 0 ? 'far' : null })),
  );
}, 60_000);

function holds({ event, proof }: ProvenEvent, size: number): boolean {
  const root = store.audit.rootAt(size);
  return provesInclusion({ leaf: event.leafHash, index: event.seq, size, proof, root });
}

describe('events with their proofs', () => {
  it.each([[1], [2], [256], [257], [700], [4_096], [COUNT]])(
    'are in the tree of %d, and are those that it holds',
    (size) => {
      for (const newestFirst of [false, true]) {
        const { rows } = store.audit.provenEvents({}, { limit: 1_000 }, size, newestFirst);
        expect(rows.length).toBe(Math.min(size, 1_000));
        expect(rows.filter((row, at) => at % 37 === 0 && !holds(row, size))).toEqual([]);
        for (const { event, proof } of rows.slice(-3))
          expect(proof).toEqual(store.audit.inclusionProof(event.seq, size));
      }
    },
  );

  it('I9: far from each other come in shorter pages, each of them once', () => {
    const seen: number[] = [];
    const pages: number[] = [];
    for (let after: string | undefined; ; ) {
      const page = after === undefined ? { limit: 100 } : { limit: 100, after };
      const { rows, next } = store.audit.provenEvents({ task: 'far' }, page, COUNT);
      seen.push(...rows.map(({ event }) => event.seq));
      pages.push(new Set(rows.map(({ event }) => Math.floor(event.seq / 256))).size);
      if (next === undefined) break;
      after = next;
    }
    expect(seen).toEqual(store.audit.events({ task: 'far' }, { limit: 100 }).rows.map(({ seq }) => seq));
    expect(pages).toEqual([16, 4]);
  });
});
