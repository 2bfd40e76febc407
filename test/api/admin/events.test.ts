// SPDX-License-Identifier: Apache-2.0
/** Events of the log over the admin API: of one task, before and from a place on, and with their proofs. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { provesInclusion } from '../../../src/merkle/proof.ts';
import { type AdminBench, adminBench } from '../../support/admin-bench.ts';
import type { Message } from '../../support/admin-client.ts';
import { tempDir } from '../../support/temp-dir.ts';

const TASK = '01jdqw3h5v8z9k2m4n6p7r8s9t';
const MORE = 120;
const dir = tempDir('events');
let bench: AdminBench;
let seqs: readonly number[] = [];

beforeAll(async () => {
  bench = await adminBench(dir);
  const { audit } = bench.rooms.store;
  const event = { kind: 'use.checked', at: Date.now(), actor: 'assay', identity: null, payload: '{}' } as const;
  const written = await Promise.all(
    Array.from({ length: MORE }, (_, at) => audit.append({ ...event, task: at % 4 === 0 ? TASK : null })),
  );
  seqs = written.filter((_, at) => at % 4 === 0).map(({ seq }) => seq);
});
afterAll(() => bench.close());

const seqsOf = ({ events }: Message): number[] => events.map(({ seq }: { seq: string }) => Number(seq));

describe('events', () => {
  it('of a task are those and no others, in their order, page by page', async () => {
    const first = await bench.call('ListEvents', { task: TASK, page_size: 20 });
    const second = await bench.call('ListEvents', { task: TASK, page_size: 20, page_token: first.next_page_token });
    expect([...seqsOf(first), ...seqsOf(second)]).toEqual(seqs);
    expect(seqsOf(await bench.call('ListEvents', { task: 'other' }))).toEqual([]);
    expect(first.proofs).toEqual([]);
  });

  it('before a place are those below it, also backwards', async () => {
    const [a = 0, b = 0, c = 0] = seqs;
    expect(seqsOf(await bench.call('ListEvents', { task: TASK, before_seq: c }))).toEqual([a, b]);
    expect(seqsOf(await bench.call('ListEvents', { task: TASK, before_seq: c, newest_first: true }))).toEqual([b, a]);
    expect(seqsOf(await bench.call('ListEvents', { task: TASK, before_seq: c, from_seq: b }))).toEqual([b]);
  });

  it('come with their proofs in a tree of the size that is asked for, which holds them all', async () => {
    const size = seqs[10] as number;
    const { events, proofs } = await bench.call('ListEvents', { task: TASK, prove_in: size });
    expect(events.map(({ seq }: { seq: string }) => Number(seq))).toEqual(seqs.slice(0, 10));
    const root = bench.rooms.store.audit.rootAt(size);
    for (const [at, { seq, leaf_hash: leaf }] of events.entries())
      expect(provesInclusion({ leaf, index: Number(seq), size, proof: proofs[at].hashes, root })).toBe(true);
  });

  it.each([[0], [1_000_000]])('are not proven in a tree of %d', async (prove_in) => {
    expect(await bench.refused('ListEvents', { prove_in })).toMatchObject({
      reason: 'SIZE_INVALID',
      field: 'prove_in',
    });
  });

  it('I9: are not proven more than a hundred at once', async () => {
    await bench.call('ListEvents', { prove_in: 100, page_size: 100 });
    const refused = await bench.refused('ListEvents', { prove_in: 100, page_size: 101 });
    expect(refused).toMatchObject({
      reason: 'PAGE_INVALID',
      field: 'page_size',
      message: expect.stringContaining('above 100'),
    });
  });
});
