// SPDX-License-Identifier: Apache-2.0
/** I9: lists come in pages of a bounded size, and a page's token is opaque. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AdminBench, adminBench } from '../../support/admin-bench.ts';
import { tempDir } from '../../support/temp-dir.ts';

const COUNT = 25;
const dir = tempDir('admin');
let bench: AdminBench;

beforeAll(async () => {
  bench = await adminBench(dir);
  await Promise.all(
    Array.from({ length: COUNT }, (_, i) =>
      bench.call('CreateEntry', { entry: { spiffe_id: `spiffe://example.org/p/${i}`, selectors: [`unix:uid:${i}`] } }),
    ),
  );
});
afterAll(() => bench.close());

const LISTS = [
  ['ListEntries', 'entries'],
  ['ListIdentities', 'identities'],
  ['ListSvids', 'svids'],
  ['ListBundles', 'bundles'],
] as const;

async function all(rpc: string, member: string, size: number): Promise<string[]> {
  const seen: string[] = [];
  for (let token = ''; ; ) {
    const page = await bench.call(rpc, { page_size: size, page_token: token });
    expect(page[member].length).toBeLessThanOrEqual(size);
    seen.push(...page[member].map((row: { spiffe_id: string }) => row.spiffe_id));
    token = page.next_page_token;
    if (token === '') return seen;
  }
}

describe('pages', () => {
  it.each([
    ['ListEntries', 'entries'],
    ['ListIdentities', 'identities'],
  ])('%s shows each row once, whatever the size of a page', async (rpc, member) => {
    for (const size of [1, 7, COUNT, 1_000]) {
      const seen = await all(rpc, member, size);
      expect(new Set(seen).size).toBe(COUNT);
      expect(seen).toHaveLength(COUNT);
    }
  });

  it.each(LISTS.map(([rpc]) => rpc))('I9: %s refuses a page size out of bounds', async (rpc) => {
    for (const page_size of [-1, 1_001, 2 ** 31 - 1]) {
      expect(await bench.refused(rpc, { page_size })).toMatchObject({
        reason: 'PAGE_INVALID',
        field: 'page_size',
      });
    }
    await bench.call(rpc, { page_size: 1_000 });
  });

  it.each(LISTS.slice(0, 3).map(([rpc]) => rpc))('%s refuses a token that is not its own', async (rpc) => {
    for (const page_token of ['nonsense', '__proto__', '../../etc', 'x'.repeat(2_000), '\u0000']) {
      const failure = await bench.refused(rpc, { page_token });
      expect(failure).toMatchObject({ kind: 'invalid-argument', reason: 'PAGE_TOKEN_INVALID' });
    }
  });
});
