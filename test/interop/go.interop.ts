// SPDX-License-Identifier: Apache-2.0
/** go-spiffe against a real daemon: what a Go service sees, rotates through and survives. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon, SHORT_LIVES } from '../support/daemon.ts';
import type { Event } from '../support/json-lines.ts';
import { foreignRoot } from './foreign-root.ts';
import { GoWorkload } from './go-workload.ts';

const ID = 'spiffe://example.org/go';
let go: GoWorkload;
let daemon: Daemon;

interface Svid {
  readonly id: string;
  readonly serial: string;
  readonly hint: string;
  readonly dns: readonly string[] | null;
}

const svidsOf = (event: Event | undefined): readonly Svid[] => event?.['svids'] as readonly Svid[];

beforeAll(async () => {
  go = new GoWorkload();
  daemon = await Daemon.start({ config: SHORT_LIVES });
});

afterAll(async () => {
  await daemon?.close();
  go?.remove();
});

const uid = `unix:uid:${process.getuid?.()}`;
const entry = (more: object = {}) => ({ spiffe_id: ID, selectors: [uid, `unix:path:${go.path}`], ...more });

async function withEntry<T>(use: () => Promise<T>, more: object = {}): Promise<T> {
  const { id } = await daemon.admin.createEntry(entry(more));
  try {
    return await use();
  } finally {
    await daemon.admin.call('DeleteEntry', { id });
  }
}

describe('go-spiffe', () => {
  it('WEP-01 CLI-10: fetches an SVID and verifies the chain against the bundle', async () => {
    await withEntry(
      async () => {
        const fetch = go.run(daemon.endpoint, 'fetch');
        await fetch.succeeds();
        const [svid, ...others] = svidsOf(await fetch.named('fetched'));
        expect(others).toEqual([]);
        expect(svid).toMatchObject({ id: ID, hint: 'internal', dns: ['go.example.org'] });
        expect(fetch.events[0]?.['bundles']).toEqual({ 'spiffe://example.org': expect.any(Number) });
      },
      { hint: 'internal', dns_names: ['go.example.org'] },
    );
  });

  it('CLI-07 FED-19: sees a federated bundle beside its own, and no other', async () => {
    await daemon.admin.call('SetBundle', {
      trust_domain: 'other.org',
      format: 'pem',
      document: foreignRoot('other.org'),
    });
    await daemon.admin.call('SetBundle', {
      trust_domain: 'third.org',
      format: 'pem',
      document: foreignRoot('third.org'),
    });
    await withEntry(
      async () => {
        for (const command of ['fetch', 'bundles']) {
          const run = go.run(daemon.endpoint, command);
          await run.succeeds();
          const anchors = run.events.at(-1)?.['bundles'] as object;
          expect(Object.keys(anchors).sort()).toEqual(['spiffe://example.org', 'spiffe://other.org']);
        }
      },
      { federates_with: ['other.org'] },
    );
  });

  it('X509-30: follows rotations, every update verified', async () => {
    await withEntry(async () => {
      const follow = go.run(daemon.endpoint, 'follow', '4');
      await follow.succeeds();
      expect(follow.count('watch-error')).toBe(0);
      const serials = follow.events.flatMap((event) => svidsOf(event)?.map((svid) => svid.serial) ?? []);
      expect(new Set(serials).size).toBeGreaterThanOrEqual(4);
    });
  });

  it('JWT-20, CLI-11, CLI-12, CLI-13: fetches tokens, verifies them itself and by the daemon, and follows the keys', async () => {
    await withEntry(async () => {
      const jwt = go.run(daemon.endpoint, 'jwt', 'https://api.example.org', '3');
      await jwt.succeeds();
      const tokens = jwt.events.filter(({ event }) => event === 'token');
      for (const token of tokens)
        expect(token).toMatchObject({ id: ID, online: ID, audience: ['https://api.example.org'] });
      expect(jwt.events.at(-1)).toEqual({ event: 'done', keys: 3 });
    });
  });

  it('CLI-20: a source opened before its entry exists heals itself once it does', async () => {
    const source = go.run(daemon.endpoint, 'source');
    try {
      await source.named('waiting');
      await new Promise((done) => setTimeout(done, 1500));
      expect(source.count('ready')).toBe(0);
      await withEntry(async () => {
        await source.named('ready');
        expect(await source.named('svid')).toMatchObject({ id: ID });
      });
    } finally {
      await source.stop();
    }
  });

  it.each(['stop', 'kill'] as const)('CLI-17 CLI-18: a watcher recovers by itself from a daemon %s', async (how) => {
    const { id } = await daemon.admin.createEntry(entry());
    const follow = go.run(daemon.endpoint, 'follow', '1000');
    try {
      await follow.named('update');
      const before = follow.count('update');
      await daemon[how]();
      await follow.named('watch-error');
      await daemon.start();
      await follow.until((event) => event.event === 'update' && follow.count('update') > before);
      expect(follow.count('watch-ended')).toBe(0);
      const codes = follow.events.filter((event) => event.event === 'watch-error').map((event) => event['code']);
      expect([...new Set(codes)]).toEqual(['Unavailable']);
    } finally {
      await follow.stop();
      await daemon.admin.call('DeleteEntry', { id });
    }
  });

  it('WAPI-12: a watch whose entry goes is told PermissionDenied, and gets its SVID again when it returns', async () => {
    const follow = go.run(daemon.endpoint, 'follow', '1000');
    try {
      await withEntry(() => follow.named('update'));
      await follow.until((event) => event.event === 'watch-error' && event['code'] === 'PermissionDenied');
      const before = follow.count('update');
      await withEntry(() => follow.until((event) => event.event === 'update' && follow.count('update') > before));
    } finally {
      await follow.stop();
    }
  });
});
