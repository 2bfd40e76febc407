// SPDX-License-Identifier: Apache-2.0
/** Long lists are printed page by page, and a page that does not fit into one answer is asked for in smaller ones. */
import { describe, expect, it } from '@jest/globals';
import type { Io } from '../../src/cli/io.ts';
import { type ListOptions, printList } from '../../src/cli/pages.ts';
import { Failure } from '../../src/lib/failure.ts';
import { refusalOfAsync } from '../support/refusal.ts';

const TOTAL = 1_234;

async function list(output: 'text' | 'json', over: Partial<ListOptions<number>> = {}, fits = 100): Promise<string> {
  let out = '';
  const io = {
    out: (text: string) => {
      out += text;
    },
    talk: () => undefined,
  } as unknown as Io;
  await printList<number>(io, {
    output,
    limit: undefined,
    name: 'rows',
    heading: ['N'],
    cells: (row) => [String(row)],
    json: (row) => ({ n: row }),
    none: 'none',
    page: async (size, token) => {
      if (size > fits) throw new Failure('internal', 'GRPC_RESOURCE_EXHAUSTED', 'too large');
      const from = Number(token);
      const rows = Array.from({ length: Math.min(size, TOTAL - from) }, (_, i) => from + i);
      return { rows, next: from + rows.length < TOTAL ? String(from + rows.length) : '' };
    },
    ...over,
  });
  return out;
}

describe('printList', () => {
  it('prints every row once, as one JSON document', async () => {
    const { rows } = JSON.parse(await list('json'));
    expect(rows.map(({ n }: { n: number }) => n)).toEqual(Array.from({ length: TOTAL }, (_, i) => i));
  });

  it('prints one heading, whatever the number of pages', async () => {
    const lines = (await list('text')).trimEnd().split('\n');
    expect(lines).toHaveLength(TOTAL + 1);
    expect(lines.filter((line) => line === 'N')).toHaveLength(1);
  });

  it('goes on behind a page that is empty', async () => {
    const page = async (_: number, token: string) => (token === '' ? { rows: [], next: 'x' } : { rows: [7], next: '' });
    expect(JSON.parse(await list('json', { page }))).toEqual({ rows: [{ n: 7 }] });
  });

  it('stops at the limit', async () => {
    expect(JSON.parse(await list('json', { limit: '150' })).rows).toHaveLength(150);
  });

  it('fails when not even one row fits', async () => {
    expect((await refusalOfAsync(() => list('json', {}, 0))).reason).toBe('GRPC_RESOURCE_EXHAUSTED');
  });
});
