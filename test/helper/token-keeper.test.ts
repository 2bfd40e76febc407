// SPDX-License-Identifier: Apache-2.0
/** A token is renewed at half of its life, at once when its key is gone, and kept when none is to be had. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { JwtSvid } from '../../src/client/jwt-svid.ts';
import type { TokenFetch } from '../../src/client/token-fetch.ts';
import type { Output } from '../../src/helper/settings.ts';
import { Target } from '../../src/helper/target.ts';
import { TokenKeeper } from '../../src/helper/token-keeper.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from './bench.ts';

const LIFE_MS = 600_000;
let folder: string;
let clock: FakeClock;
let target: Target;
let keeper: TokenKeeper;
let asked: { readonly audience: readonly string[]; readonly spiffe_id: string }[];
let answer: () => Promise<readonly JwtSvid[]>;

const token = (text: string, kid = 'k1', hint = ''): JwtSvid =>
  new JwtSvid({
    token: text,
    spiffeId: SpiffeId.parse('spiffe://example.org/web'),
    audiences: ['a'],
    expiresAt: clock.now() + LIFE_MS,
    kid,
    hint,
  });

function start(hint: string | undefined = undefined): void {
  const output = {
    name: 'web',
    folder,
    pick: { spiffeId: undefined, hint },
    owner: { uid: undefined, gid: undefined },
    modes: { cert: 0o644, key: 0o600, jwt: 0o600, jwtBundle: 0o644 },
  } as unknown as Output;
  const rules = { uid: process.getuid!(), acceptShared: false };
  const common = { clock, random: systemRandom, log: silentLogger };
  target = new Target({
    name: 'web/jwt:token',
    folder,
    names: ['token'],
    rules,
    onWritten: () => undefined,
    ...common,
  });
  const fetch = {
    fetch: (request: { readonly audience: readonly string[]; readonly spiffe_id: string }) => {
      asked.push(request);
      return answer();
    },
  } as unknown as TokenFetch;
  keeper = new TokenKeeper({ output, token: { file: 'token', audiences: ['a', 'b'] }, target, fetch, ...common });
}

const held = (text: string): Promise<boolean> =>
  until(() => {
    try {
      return readFileSync(join(folder, 'token'), 'utf8') === text;
    } catch {
      return false;
    }
  }, `a token ${text}`);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-token-'));
  clock = new FakeClock();
  asked = [];
});

afterEach(async () => {
  keeper.close();
  await target.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a token', () => {
  it('is fetched for all its audiences and renewed at half of its life', async () => {
    answer = async () => [token(`t${asked.length}`)];
    start();
    await held('t1');
    expect(asked[0]).toEqual({ audience: ['a', 'b'], spiffe_id: '' });
    await clock.advance(LIFE_MS / 2 - 1);
    expect(asked).toHaveLength(1);
    await clock.advance(1);
    await held('t2');
    await until(() => target.status().freshUntil === clock.now() + LIFE_MS, 'its end');
  });

  it('stays when no other is to be had, and it is tried again and again', async () => {
    answer = async () => [token('t1')];
    start();
    await held('t1');
    answer = () => Promise.reject(new Error('the daemon is away'));
    await clock.advance(LIFE_MS / 2);
    expect(target.status()).toMatchObject({ state: 'written', problem: 'the daemon is away' });
    await clock.advance(LIFE_MS);
    expect(asked.length).toBeGreaterThan(20);
    await held('t1');
    answer = async () => [token('t2')];
    await clock.advance(31_000);
    await held('t2');
    expect(target.status().problem).toBeUndefined();
  });

  it('I7: is fetched anew at once when the key that signed it has left the bundle', async () => {
    answer = async () => [token(`t${asked.length}`, `k${asked.length}`)];
    start();
    await held('t1');
    keeper.bundleChanged(({ kid }) => kid === 'k1');
    await clock.advance(10);
    expect(asked).toHaveLength(1);
    keeper.bundleChanged(({ kid }) => kid === 'k2');
    await held('t2');
  });

  it('is that of the identity with the hint', async () => {
    answer = async () => [token('other'), token('wanted', 'k1', 'internal')];
    start('internal');
    await held('wanted');
  });
});
