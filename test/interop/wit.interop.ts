// SPDX-License-Identifier: Apache-2.0
/** go-spiffe's WIT client against a real daemon: what a Go service sees, proves and rotates through. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon, SHORT_LIVES } from '../support/daemon.ts';
import { GoWorkload } from './go-workload.ts';

const ID = 'spiffe://example.org/go';
const uid = `unix:uid:${process.getuid?.()}`;
let go: GoWorkload;
let daemon: Daemon;
let without: Daemon;

beforeAll(async () => {
  go = new GoWorkload();
  daemon = await Daemon.start({ config: [...SHORT_LIVES, 'experimental: { wit: true }'] });
  without = await Daemon.start();
  const entry = { spiffe_id: ID, selectors: [uid, `unix:path:${go.path}`], hint: 'internal' };
  await Promise.all([daemon, without].map((one) => one.admin.createEntry(entry)));
});

afterAll(async () => {
  await Promise.all([daemon?.close(), without?.close()]);
  go?.remove();
});

describe('the WIT client of go-spiffe', () => {
  it('CLI-16 CLI-13 WAPI-31 WAPI-32 WIT-14 BUN-18: verifies every token and proof while its keys rotate', async () => {
    const wit = go.run(daemon.endpoint, 'wit', '2');
    await wit.succeeds();
    const seen = wit.events.filter(({ event }) => event === 'wit');
    expect(seen.length).toBeGreaterThanOrEqual(2);
    for (const one of seen) expect(one).toMatchObject({ id: ID, hint: 'internal', bundles: 1 });
    expect(wit.events.at(-1)).toEqual({ event: 'done', keys: 2, watchErrors: 0 });
  });

  it('CLI-17 WAPI-02: gives up at once where the daemon has none', async () => {
    const wit = go.run(without.endpoint, 'wit', '1');
    expect(await wit.exited).toBe(1);
    expect(wit.events.at(-1)).toMatchObject({ event: 'error', error: expect.stringContaining('Unimplemented') });
  });
});
