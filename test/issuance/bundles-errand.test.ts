// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { X509BundlesState } from '../../src/issuance/workload-identities.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';

const OWN = 'spiffe://example.org';

describe('the X.509 bundles of one caller', () => {
  let dataDir: string;
  let rooms: Awaited<ReturnType<typeof lone>>;
  let follower: TestFollower<X509BundlesState>;

  const open = async (allowUnauthenticatedVerifiers = false): Promise<void> => {
    rooms = await lone({ dataDir, clock: new FakeClock(), allowUnauthenticatedVerifiers });
  };
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'assay-bundles-'));
    follower = new TestFollower();
  });
  afterEach(async () => {
    await rooms.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const register = (more: object = {}) =>
    rooms.registry.createEntry({ entryId: 'a', spiffeId: `${OWN}/a`, selectors: ['unix:uid:1000'], ...more }, OPERATOR);
  const follow = () => rooms.standings.followX509Bundles(new TestProcess(), follower);
  const idsOf = (index: number): string[] => [...(follower.states[index]?.bundles.keys() ?? [])];
  const putForeign = (trustDomain: string) =>
    rooms.store.putBundle({
      trustDomain,
      certificates: [Buffer.from(rooms.authority.bundle().certificates[0] as Buffer)],
      jwtKeys: [],
      sequence: null,
      refreshHintSeconds: null,
      updatedAt: 1,
      updatedBy: 'test',
    });
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

  it('WAPI-19: our own bundle and those that the caller’s entries federate with, no others', async () => {
    await open();
    await putForeign('partner.test');
    await putForeign('stranger.test');
    await register({ federatesWith: ['partner.test'] });
    follow();
    await follower.until(1);
    expect(idsOf(0)).toEqual([OWN, 'spiffe://partner.test']);
  });

  it('WAPI-20: a caller without an identity is PERMISSION_DENIED', async () => {
    await open();
    follow();
    await follower.until(1);
    expect([follower.states.length, follower.failure?.kind]).toEqual([0, 'permission-denied']);
  });

  it('WAPI-20: where unauthenticated verifiers are allowed, it gets our own bundle and nothing else', async () => {
    await open(true);
    await putForeign('partner.test');
    follow();
    await follower.until(1);
    expect(idsOf(0)).toEqual([OWN]);
  });

  it('WAPI-12, I7: the last grant going ends the stream', async () => {
    await open();
    await register();
    follow();
    await follower.until(1);
    await rooms.registry.deleteEntry('a', OPERATOR);
    await follower.until(2);
    expect(follower.failure?.kind).toBe('permission-denied');
  });

  it('WAPI-07: identical content is not sent again, whatever else changes', async () => {
    await open();
    await register();
    follow();
    await follower.until(1);
    await rooms.registry.updateEntry('a', { dnsNames: ['a.example'] }, OPERATOR);
    await putForeign('stranger.test');
    await settle();
    expect(follower.states).toHaveLength(1);
  });

  it('WAPI-06: a new root and a foreign bundle are pushed', async () => {
    await open();
    await register({ federatesWith: ['partner.test'] });
    follow();
    await follower.until(1);
    expect(idsOf(0)).toEqual([OWN]);
    await putForeign('partner.test');
    await follower.until(2);
    expect(idsOf(1)).toEqual([OWN, 'spiffe://partner.test']);
    await rooms.authority.prepare('test');
    await follower.until(3);
    expect(follower.states[2]?.bundles.get(OWN)?.length).toBeGreaterThan(
      follower.states[1]?.bundles.get(OWN)?.length ?? 0,
    );
  });
});
