// SPDX-License-Identifier: Apache-2.0
import { createPublicKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClockGuard } from '../../src/authority/clock-guard.ts';
import { JwtAuthority, type JwtAuthorityOptions, type TokenRequest } from '../../src/authority/jwt-authority.ts';
import { memoryKeyManager } from '../../src/authority/keys/memory.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { checkJwtSvid } from '../../src/jwt/svid.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { HOUR, MINUTE, memoryAcceptances, untimed } from '../support/authority.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryAuthorityStore } from '../support/memory-authority-store.ts';
import { refusalOfAsync } from '../support/refusal.ts';

const ID = SpiffeId.parse('spiffe://example.org/web');

let clock: FakeClock;
let store: MemoryAuthorityStore;
let authority: JwtAuthority;

async function start(over: Partial<JwtAuthorityOptions> = {}): Promise<void> {
  authority = await JwtAuthority.start({
    store,
    keyManager: memoryKeyManager({ random: systemRandom }),
    caTtlMs: 24 * HOUR,
    keyType: 'ec-p256',
    pss: false,
    issuer: undefined,
    guard: new ClockGuard({
      clock: untimed(clock),
      storedLatest: 0,
      acceptances: memoryAcceptances(),
      log: silentLogger,
    }),
    clock,
    random: systemRandom,
    log: silentLogger,
    ...over,
  });
}
beforeEach(async () => {
  clock = new FakeClock();
  store = new MemoryAuthorityStore();
  await start();
});
afterEach(() => authority.close());

const mint = (over: Partial<TokenRequest> = {}) =>
  authority.mintToken({ spiffeId: ID, audiences: ['aud'], ttlMs: 5 * MINUTE, caps: [], jti: false, ...over });
const keys = () =>
  authority.keys().map(({ kid, publicKey }) => ({
    kid,
    publicKey: createPublicKey({ key: publicKey, format: 'der', type: 'spki' }),
  }));
const check = (token: string) => checkJwtSvid(token, { audience: 'aud', keysOf: keys, now: clock.now() });
const header = (token: string): unknown =>
  JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString());

describe('a token', () => {
  it.each([
    ['ec-p256', false, 'ES256'],
    ['ec-p384', false, 'ES384'],
    ['ec-p521', false, 'ES512'],
    ['rsa-2048', false, 'RS256'],
    ['rsa-2048', true, 'PS256'],
  ] as const)('JWT-14: of a key %s, PSS %s, is signed with %s, and passes', async (keyType, pss, alg) => {
    await authority.close();
    store = new MemoryAuthorityStore();
    await start({ keyType, pss });
    const { token, authorityId } = await mint();
    expect(header(token)).toEqual({ alg, kid: authorityId, typ: 'JWT' });
    expect(check(token).spiffeId.toString()).toBe(ID.toString());
  });

  it('JWT-11, I5: ends with what it rests on, and never after its key', async () => {
    const end = clock.now() + 90_500;
    expect((await mint({ caps: [end] })).notAfter).toBe(Math.floor(end / 1000) * 1000);
    expect((await mint({ ttlMs: 100 * HOUR })).notAfter - clock.now()).toBe(4 * HOUR);
    expect((await refusalOfAsync(() => mint({ caps: [clock.now() - 1] }))).reason).toBe('IDENTITY_ENDING');
    expect((await refusalOfAsync(() => mint({ caps: [clock.now() + 900] }))).reason).toBe('IDENTITY_ENDING');
  });

  it('I5: is not signed by a key that has ended', async () => {
    clock.jump(25 * HOUR);
    expect((await refusalOfAsync(() => mint())).reason).toBe('AUTHORITY_EXPIRED');
  });

  it('I8: is not signed while the clock has gone back', async () => {
    clock.jump(-MINUTE);
    expect((await refusalOfAsync(() => mint())).kind).toBe('unavailable');
  });

  it('JWT-12, JWT-19: names itself, and its issuer, where that is wanted', async () => {
    await authority.close();
    await start({ issuer: 'https://id.example.org' });
    const { token, serial } = await mint({ jti: true });
    const { claims } = check(token);
    expect([claims.get('iss'), claims.get('jti')]).toEqual(['https://id.example.org', serial]);
    expect(serial).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('its keys', () => {
  it('BUN-18, BUN-19, I6: are published before they sign, and stay until the last token has ended', async () => {
    const [first] = authority.keys();
    await clock.advance(13 * HOUR);
    const [, second] = authority.keys();
    expect(second).toBeDefined();
    const before = await mint({ ttlMs: 4 * HOUR });
    expect(before.authorityId).toBe(first?.kid);
    expect(store.signed(before.authorityId, before.notAfter)).toBe(true);
    await clock.advance(8 * HOUR);
    expect((await mint()).authorityId).toBe(second?.kid);
    // What the first signed last ended 17 h after its start.
    expect(authority.keys().map(({ kid }) => kid)).not.toContain(first?.kid);
  });

  it('BUN-03: have the bundle’s number grow, and each its own kid', async () => {
    const sequence = store.ownBundleSequence();
    await authority.prepare('test');
    expect(store.ownBundleSequence()).toBe(sequence + 1);
    await authority.activate({ now: true, by: 'test' });
    expect(store.ownBundleSequence()).toBe(sequence + 1);
    expect(new Set(authority.keys().map(({ kid }) => kid)).size).toBe(2);
  });

  it('I6: of memory are lost at a restart, and others sign at once', async () => {
    const { authorityId } = await mint();
    await authority.close();
    await start();
    expect((await mint()).authorityId).not.toBe(authorityId);
    expect(authority.show().authorities.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['jwt']));
  });
});
