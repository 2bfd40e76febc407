// SPDX-License-Identifier: Apache-2.0
/** Tokens of the library against the real daemon: its restarts, its rotations, its refusals. */

import { afterEach, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { BundleSource } from '../../src/client/bundle-source.ts';
import { JwtSource } from '../../src/client/jwt-source.ts';
import { validateJwtSvid } from '../../src/client/jwt-trust.ts';
import { renderJwks } from '../../src/jwt/key.ts';
import { Daemon } from '../support/daemon.ts';
import { refusalOfAsync } from '../support/refusal.ts';

const ID = 'spiffe://example.org/us';
const LONG = 60_000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
}, LONG);

interface Bench {
  readonly daemon: Daemon;
  readonly entryId: string;
  readonly tokens: JwtSource;
  readonly bundles: BundleSource;
}

async function bench(): Promise<Bench> {
  const daemon = await Daemon.start();
  closing.push(() => daemon.close());
  const { id } = await daemon.admin.createEntry({ spiffe_id: ID, selectors: [`unix:uid:${process.getuid?.()}`] });
  const [tokens, bundles] = await Promise.all([
    JwtSource.open({ socket: daemon.endpoint, tokenTimeoutMs: LONG }),
    BundleSource.open({ socket: daemon.endpoint }),
  ]);
  closing.push(
    () => tokens.close(),
    () => bundles.close(),
  );
  return { daemon, entryId: id as string, tokens, bundles };
}

function until(source: JwtSource | BundleSource, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      stop();
      resolve();
    };
    const stop = source.onUpdate(look);
    look();
  });
}

describe('tokens of a daemon', () => {
  it(
    'JWT-20: verify offline, and with jose by the same keys',
    async () => {
      const { tokens, bundles } = await bench();
      const { token, kid } = await tokens.svid({ audience: ['a', 'b'] });
      expect(validateJwtSvid(token, { source: bundles, audience: 'b' })).toMatchObject({ audiences: ['a', 'b'] });
      const keys = bundles.jwtKeysOf('example.org') ?? [];
      const set = createLocalJWKSet(JSON.parse(renderJwks(keys).toString()));
      const { payload, protectedHeader } = await jwtVerify(token, set, { audience: 'a', subject: ID });
      expect(payload.sub).toBe(ID);
      expect(protectedHeader).toEqual({ alg: 'ES256', kid, typ: 'JWT' });
    },
    LONG,
  );

  it(
    'BUN-18: stay valid through a rotation of the key, and the next ones verify as well',
    async () => {
      const { daemon, tokens, bundles } = await bench();
      const before = await tokens.svid({ audience: 'a' });
      await daemon.admin.call('PrepareAuthority', { kind: 'jwt' });
      await until(bundles, () => bundles.jwtKeysOf('example.org')?.length === 2);
      await daemon.admin.call('ActivateAuthority', { kind: 'jwt', now: true });
      const after = await tokens.svid({ audience: 'another' });
      expect(after.kid).not.toBe(before.kid);
      for (const [svid, audience] of [
        [before, 'a'],
        [after, 'another'],
      ] as const)
        expect(`${validateJwtSvid(svid.token, { source: bundles, audience }).spiffeId}`).toBe(ID);
    },
    LONG,
  );

  it.each([['stop'], ['kill']] as const)(
    'survive that the daemon ends (%s) and comes back',
    async (how) => {
      const { daemon, tokens, bundles } = await bench();
      const held = await tokens.token({ audience: 'a' });
      await daemon[how]();
      await until(bundles, () => bundles.status().jwt?.state === 'holding');
      expect(await tokens.token({ audience: 'a' })).toBe(held);
      validateJwtSvid(held, { source: bundles, audience: 'a' });
      const waiting = tokens.token({ audience: 'new' });
      await daemon.start();
      validateJwtSvid(await waiting, { source: bundles, audience: 'new' });
    },
    LONG,
  );

  it(
    'I7: are given up when the entry is deleted, at once',
    async () => {
      const { daemon, entryId, tokens } = await bench();
      await tokens.token({ audience: 'a' });
      await daemon.admin.call('DeleteEntry', { id: entryId });
      await until(tokens, () => tokens.status().state === 'withdrawn');
      const failure = await refusalOfAsync(() => tokens.token({ audience: 'a' }));
      expect(failure).toMatchObject({ kind: 'permission-denied', reason: 'SVID_WITHDRAWN' });
    },
    LONG,
  );
});
