// SPDX-License-Identifier: Apache-2.0
/** An authority for JWT-SVIDs and a second, RSA one beside it: which signs, what is published, how each rotates. */
import { createPublicKey } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClockGuard } from '../../src/authority/clock-guard.ts';
import { JwtAuthorities, type JwtAuthoritiesOptions } from '../../src/authority/jwt-authorities.ts';
import { openDiskKeyManager } from '../../src/authority/keys/disk.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { checkJwtSvid } from '../../src/jwt/svid.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { eventually, HOUR, MINUTE, memoryAcceptances, untimed } from '../support/authority.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryAuthorityStore } from '../support/memory-authority-store.ts';
import { tempDir } from '../support/temp-dir.ts';

const by = 'uid:0';
const top = tempDir('jwt-authorities');
const RSA = { keyType: 'rsa-2048', audiences: ['sts.example', 'https://b.example/'] } as const;

let folders = 0;
let dataDir: string;
let clock: FakeClock;
let store: MemoryAuthorityStore;
let jwt: JwtAuthorities;

async function start(second: JwtAuthoritiesOptions['rsa'] | 'none' = RSA, pss = false): Promise<void> {
  const guard = new ClockGuard({
    clock: untimed(clock),
    storedLatest: 0,
    acceptances: memoryAcceptances(),
    log: silentLogger,
  });
  jwt = await JwtAuthorities.start({
    store,
    keyManager: await openDiskKeyManager({ dataDir, random: systemRandom }),
    caTtlMs: 24 * HOUR,
    keyType: 'ec-p256',
    pss,
    issuer: undefined,
    rsa: second === 'none' ? undefined : second,
    guard,
    clock,
    random: systemRandom,
    log: silentLogger,
  });
}
beforeEach(async () => {
  clock = new FakeClock();
  store = new MemoryAuthorityStore();
  folders += 1;
  dataDir = `${top}/${folders}`;
  mkdirSync(dataDir, { mode: 0o700 });
  await start();
});
afterEach(() => jwt.close());

const mint = (...audiences: string[]) =>
  jwt.mintToken({
    spiffeId: SpiffeId.parse('spiffe://example.org/web'),
    audiences,
    ttlMs: 5 * MINUTE,
    caps: [],
    jti: false,
  });
const algOf = ({ token }: { token: string }): string =>
  JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString()).alg;
const keysOf = () =>
  jwt.keys().map(({ kid, publicKey }) => ({
    kid,
    publicKey: createPublicKey({ key: publicKey, format: 'der', type: 'spki' }),
  }));
const kids = (): string[] => jwt.keys().map(({ kid }) => kid);
const slots = (kind: 'main' | 'rsa'): string[] => (jwt[kind]?.show().authorities ?? []).map(({ slot }) => slot);

describe('which authority signs', () => {
  it.each([
    [['aud'], 'ES256'],
    [['sts.example'], 'RS256'],
    [['aud', 'https://b.example/'], 'RS256'],
    [['sts.example.', 'STS.example', 'https://b.example'], 'ES256'],
  ])('JWT-14: for %j it is the one with %s, whose token passes', async (audiences, alg) => {
    const issued = await mint(...audiences);
    expect(algOf(issued)).toBe(alg);
    expect(issued.authorityId).toBe(jwt.active(audiences).authorityId);
    const checked = checkJwtSvid(issued.token, { audience: audiences[0] as string, keysOf, now: clock.now() });
    expect(checked.spiffeId.toString()).toBe('spiffe://example.org/web');
  });

  it('with jwt.pss it is PS256', async () => {
    await jwt.close();
    await start(RSA, true);
    expect(algOf(await mint('sts.example'))).toBe('PS256');
    expect(algOf(await mint('aud'))).toBe('ES256');
  });

  it('without a second one it is the first for all', async () => {
    await jwt.close();
    await start('none');
    expect(algOf(await mint('sts.example'))).toBe('ES256');
    expect(jwt.keys()).toHaveLength(1);
  });
});

describe('the second authority', () => {
  it('BUN-03: is in the bundle with a number of its own, and its array of keys stays the same until one changes', async () => {
    expect(store.ownBundleSequence()).toBe(2);
    const before = jwt.keys();
    expect(before).toHaveLength(2);
    expect(jwt.keys()).toBe(before);
    let heard = 0;
    jwt.onChange(() => {
      heard += 1;
    });
    await jwt.rsa?.prepare(by);
    expect([heard, jwt.keys().length, store.ownBundleSequence()]).toEqual([1, 3, 3]);
    expect(jwt.keys()).not.toBe(before);
  });

  it('BUN-18: has slots of its own: a step of one moves nothing of the other', async () => {
    await jwt.rsa?.prepare(by);
    expect([slots('main'), slots('rsa')]).toEqual([['active'], ['active', 'prepared']]);
    const ec = jwt.active(['aud']).authorityId;
    const id = await jwt.rsa?.activate({ now: true, by });
    expect(jwt.active(['sts.example']).authorityId).toBe(id);
    expect(jwt.active(['aud']).authorityId).toBe(ec);
  });

  it('rotates by itself', async () => {
    await clock.advance(12 * HOUR);
    await eventually(() => slots('rsa').includes('prepared') && slots('main').includes('prepared'));
    expect(jwt.keys()).toHaveLength(4);
  });

  it('is tainted and revoked by itself', async () => {
    const old = jwt.active(['sts.example']).authorityId;
    const issued = await mint('sts.example');
    store.signed(old, issued.notAfter);
    await jwt.rsa?.prepare(by);
    await jwt.rsa?.activate({ now: true, by });
    await expect(jwt.main.taint({ id: old, by })).rejects.toMatchObject({ reason: 'AUTHORITY_NOT_FOUND' });
    await jwt.rsa?.taint({ id: old, by });
    await expect(jwt.rsa?.revoke({ id: old, force: false, by })).rejects.toMatchObject({ reason: 'STILL_IN_USE' });
    await jwt.rsa?.revoke({ id: old, force: true, by });
    expect(kids()).not.toContain(old);
  });

  it('I8: a restart finds the keys of both again', async () => {
    const before = kids();
    await jwt.close();
    await start();
    expect(kids()).toEqual(before);
    expect(algOf(await mint('sts.example'))).toBe('RS256');
    expect(algOf(await mint('aud'))).toBe('ES256');
  });

  it('BUN-03: that is switched off leaves the bundle with the next number, and its key with it; and begins anew', async () => {
    const [ec, rsa] = kids();
    await jwt.close();
    await start('none');
    expect(kids()).toEqual([ec]);
    expect(store.ownBundleSequence()).toBe(3);
    expect(store.loadAuthorities('jwt-rsa')).toEqual([]);
    const keys = await openDiskKeyManager({ dataDir, random: systemRandom });
    expect((await keys.list()).filter((ref) => ref.startsWith('jwt-rsa-'))).toEqual([]);
    await jwt.close();
    await start();
    expect(kids()).toHaveLength(2);
    expect(kids()).not.toContain(rsa);
  });

  it('never has its tokens signed by the first one while it cannot sign', async () => {
    await clock.advance(1);
    store.failure = new Error('disk full');
    await clock.advance(25 * HOUR);
    await expect(mint('sts.example')).rejects.toMatchObject({
      reason: 'AUTHORITY_EXPIRED',
      hint: expect.stringContaining('assay authority jwt-rsa show'),
    });
    store.failure = undefined;
  });
});
