// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import type { Config } from '../../src/config/config.ts';
import { healthChecks } from '../../src/daemon/checks.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { tempDir } from '../support/temp-dir.ts';

const HOUR = 3_600_000;
const checkpoints = { health: () => ({ name: 'log', status: 'ok', text: '' }) as const };
const dataDir = tempDir('checks');
const lifecycle: Config['lifecycle'] = { announceMs: [30 * 24 * HOUR, 24 * HOUR], graceMs: HOUR, legacyMaxTtlMs: HOUR };
const ahead = async (): Promise<readonly number[]> => [0, 0];
const third = tempDir('checks-ahead');
const empty = tempDir('checks-jwt');

it('I5: after ca.ttl was lowered the daemon starts, caps, names the entries, and its health is yellow', async () => {
  const clock = new FakeClock();
  const before = await lone({ dataDir, clock, caTtlMs: 24 * HOUR });
  for (const [entryId, x509TtlSeconds] of [
    ['long', 4 * 3600],
    ['short', 600],
  ] as const) {
    const spiffeId = `spiffe://example.org/${entryId}`;
    await before.registry.createEntry({ entryId, spiffeId, selectors: ['unix:uid:1000'], x509TtlSeconds }, OPERATOR);
  }
  await before.close();

  const rooms = await lone({ dataDir, clock, caTtlMs: HOUR });
  const config = { ca: { ttlMs: HOUR }, dataDir, lifecycle } as Config;
  const checks = await healthChecks({
    ...rooms,
    config,
    daemon: { uid: 0 },
    checkpoints,
    ahead,
    storeTrouble: () => undefined,
  });
  const ttls = checks.find((check) => check.name === 'entry TTLs');
  expect(ttls?.status).toBe('warn');
  expect(ttls?.text).toContain('too short for the TTL of long;');

  const follower = new TestFollower();
  const following = rooms.standings.followX509(new TestProcess(), follower);
  await follower.until(1);
  const [row] = rooms.store.list({ entryId: 'long' }, { limit: 1 }).rows;
  expect((row?.notAfter ?? 0) - clock.now()).toBeLessThanOrEqual(HOUR / 6);
  expect(row?.askedTtlMs).toBe(4 * HOUR);
  following.stop();
  await rooms.close();
});

it('says that nothing is issued while the store cannot write', async () => {
  const rooms = await lone({ dataDir, clock: new FakeClock() });
  const config = { ca: { ttlMs: 24 * HOUR }, dataDir, lifecycle } as Config;
  const trouble = (): Error => new Error('the disk is full');
  const checks = await healthChecks({
    ...rooms,
    config,
    daemon: { uid: 0 },
    checkpoints,
    ahead,
    storeTrouble: trouble,
  });
  expect(checks.find((check) => check.name === 'store')).toMatchObject({ status: 'fail' });
  await rooms.close();
});

it('I8: says that JWT keys cannot sign while the clock has gone back, and nothing of them where they are off', async () => {
  const clock = new FakeClock();
  const rooms = await lone({ dataDir: empty, clock });
  const config = { ca: { ttlMs: 24 * HOUR }, dataDir, lifecycle } as Config;
  const named = async (jwt: typeof rooms.jwt | undefined) => {
    const checks = await healthChecks({
      ...rooms,
      jwt,
      config,
      daemon: { uid: 0 },
      checkpoints,
      ahead,
      storeTrouble: () => undefined,
    });
    return checks.find((check) => check.name === 'JWT keys');
  };
  expect(await named(rooms.jwt)).toMatchObject({ status: 'ok' });
  clock.jump(-HOUR);
  expect(await named(rooms.jwt)).toMatchObject({ status: 'fail' });
  expect(await named(undefined)).toBeUndefined();
  await rooms.close();
});

it('says how many identities end or are to be reviewed soon, and what lists them', async () => {
  const rooms = await lone({ dataDir: third, clock: new FakeClock() });
  const config = { ca: { ttlMs: 24 * HOUR }, dataDir, lifecycle } as Config;
  const seen = async (counts: readonly number[], announceMs: readonly number[] = lifecycle.announceMs) => {
    const checks = await healthChecks({
      ...rooms,
      config: { ...config, lifecycle: { ...lifecycle, announceMs } },
      daemon: { uid: 0 },
      checkpoints,
      ahead: async () => counts,
      storeTrouble: () => undefined,
    });
    return checks.find((check) => check.name === 'identities');
  };
  expect(await seen([41, 1])).toMatchObject({
    status: 'warn',
    text: '41 end or are to be reviewed within 30d, 1 within 24h',
    hint: 'assay identity list --expiring 30d',
  });
  expect(await seen([0, 0])).toMatchObject({ status: 'ok', text: expect.stringContaining('none ends') });
  expect(await seen([], [])).toBeUndefined();
  await rooms.close();
});
