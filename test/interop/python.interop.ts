// SPDX-License-Identifier: Apache-2.0
/** The Python package `spiffe` against a real daemon; chains verified by Python's `cryptography`. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon, SHORT_LIVES } from '../support/daemon.ts';
import { foreignRoot } from './foreign-root.ts';
import { pythonWorkload } from './python-workload.ts';

const ID = 'spiffe://example.org/python';
let daemon: Daemon;

beforeAll(async () => {
  daemon = await Daemon.start({ config: SHORT_LIVES });
  await daemon.admin.call('SetBundle', {
    trust_domain: 'other.org',
    format: 'pem',
    document: foreignRoot('other.org'),
  });
  await daemon.admin.createEntry({
    spiffe_id: ID,
    selectors: [`unix:uid:${process.getuid?.()}`],
    federates_with: ['other.org'],
    dns_names: ['python.example.org'],
  });
});

afterAll(() => daemon?.close());

describe('the Python package spiffe', () => {
  it('WEP-01: fetches an SVID whose chain verifies against the bundle', async () => {
    const fetch = pythonWorkload(daemon.endpoint, 'fetch');
    await fetch.succeeds();
    expect(fetch.events).toEqual([
      {
        event: 'fetched',
        svids: [{ id: ID, serial: expect.stringMatching(/^[0-9a-f]+$/), names: ['python.example.org', ID], depth: 2 }],
        bundles: { 'example.org': expect.any(Number), 'other.org': 1 },
      },
    ]);
  });

  it('WAPI-19: fetches the bundles by themselves', async () => {
    const bundles = pythonWorkload(daemon.endpoint, 'bundles');
    await bundles.succeeds();
    expect(bundles.events.at(-1)?.['bundles']).toEqual({ 'example.org': expect.any(Number), 'other.org': 1 });
  });

  it('JWT-20, WAPI-26: fetches tokens, verifies them itself and by the daemon, and follows the keys', async () => {
    const jwt = pythonWorkload(daemon.endpoint, 'jwt', 'aud', '2');
    await jwt.succeeds();
    for (const token of jwt.events.slice(0, -1)) expect(token).toMatchObject({ id: ID, online: ID, audience: ['aud'] });
    expect(jwt.events.at(-1)).toEqual({ event: 'done', keys: 2 });
  });

  it('X509-30: follows rotations, every update verified', async () => {
    const follow = pythonWorkload(daemon.endpoint, 'follow', '3');
    await follow.succeeds();
    expect(follow.events.at(-1)).toEqual({ event: 'done', serials: 3 });
  });

  it('CLI-17: a source recovers by itself from a daemon restart', async () => {
    const follow = pythonWorkload(daemon.endpoint, 'follow', '1000');
    try {
      await follow.named('update');
      await daemon.stop();
      const before = follow.count('update');
      await daemon.start();
      await follow.until((event) => event.event === 'update' && follow.count('update') > before);
      expect(follow.count('error')).toBe(0);
    } finally {
      await follow.stop();
    }
  });
});
