// SPDX-License-Identifier: Apache-2.0
import { createPublicKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClockGuard } from '../../src/authority/clock-guard.ts';
import { JwtAuthority, type JwtAuthorityOptions, type TokenRequest } from '../../src/authority/jwt-authority.ts';
import { memoryKeyManager } from '../../src/authority/keys/memory.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { newHolderKey } from '../../src/jwt/wit-key.ts';
import { checkWitSvid } from '../../src/jwt/wit-svid.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { HOUR, MINUTE, memoryAcceptances, untimed } from '../support/authority.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryAuthorityStore } from '../support/memory-authority-store.ts';
import { refusalOfAsync } from '../support/refusal.ts';

const ID = SpiffeId.parse('spiffe://example.org/web');
const { publicJwk } = await newHolderKey('ec-p256', false);

let clock: FakeClock;
let store: MemoryAuthorityStore;
const keyManager = memoryKeyManager({ random: systemRandom });
const open: JwtAuthority[] = [];

async function start(over: Partial<JwtAuthorityOptions> = {}): Promise<JwtAuthority> {
  const guard = new ClockGuard({
    clock: untimed(clock),
    storedLatest: 0,
    acceptances: memoryAcceptances(),
    log: silentLogger,
  });
  const authority = await JwtAuthority.start({
    kind: 'wit',
    store,
    keyManager,
    caTtlMs: 24 * HOUR,
    keyType: 'ec-p256',
    pss: false,
    issuer: undefined,
    guard,
    clock,
    random: systemRandom,
    log: silentLogger,
    ...over,
  });
  open.push(authority);
  return authority;
}
beforeEach(() => {
  clock = new FakeClock();
  store = new MemoryAuthorityStore();
});
afterEach(async () => {
  for (const authority of open.splice(0)) await authority.close();
});

const request: TokenRequest = { spiffeId: ID, confirms: publicJwk, ttlMs: HOUR, caps: [], jti: true };
const keysOf = (authority: JwtAuthority) => () =>
  authority.keys().map(({ kid, publicKey }) => ({
    kid,
    publicKey: createPublicKey({ key: publicKey, format: 'der', type: 'spki' }),
  }));

describe('the authority of WIT-SVIDs', () => {
  it.each([
    ['ec-p256', false, 'ES256'],
    ['ec-p521', false, 'ES512'],
    ['rsa-2048', true, 'PS256'],
  ] as const)('WIT-01: WIT-03: with a key %s, PSS %s, signs with %s what passes', async (keyType, pss, alg) => {
    const authority = await start({ keyType, pss });
    const { token, authorityId, notBefore, issuedAt } = await authority.mintToken(request);
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString());
    expect(header).toEqual({ alg, kid: authorityId, typ: 'wit+jwt' });
    const check = { keysOf: keysOf(authority), now: clock.now(), provesPossession: () => true };
    expect((await checkWitSvid(token, check)).spiffeId.toString()).toBe(ID.toString());
    expect(notBefore).toBe(Math.floor(issuedAt / 1000) * 1000 - 10_000);
  });

  it('WIT-12: gives each its own jti of 128 bits, which is its serial', async () => {
    const authority = await start();
    const serials = await Promise.all([1, 2, 3].map(async () => (await authority.mintToken(request)).serial));
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) expect(serial).toMatch(/^[0-9a-f]{32}$/);
  });

  it('I5: WIT-08: says what cut it short, and never outlives its key', async () => {
    const authority = await start();
    const end = clock.now() + 5 * MINUTE + 500;
    expect(await authority.mintToken({ ...request, caps: [end] })).toMatchObject({
      notAfter: Math.floor(end / 1000) * 1000,
      cutShortBy: end,
    });
    expect((await authority.mintToken(request)).cutShortBy).toBeUndefined();
  });

  it('WIT-18: WIT-16: has keys of its own beside those of JWT-SVIDs, in one bundle number, none with another’s kid', async () => {
    const jwt = await start({ kind: 'jwt' });
    const wit = await start();
    await jwt.prepare('test');
    await wit.prepare('test');
    const [jwtKeys, witKeys] = [jwt.keys(), wit.keys()];
    expect([jwtKeys.length, witKeys.length]).toEqual([2, 2]);
    const all = [...jwtKeys, ...witKeys];
    expect(new Set(all.map(({ kid }) => kid)).size).toBe(4);
    expect(new Set(all.map(({ publicKey }) => publicKey.toString('hex'))).size).toBe(4);
    expect(store.ownBundleSequence()).toBe(4);
    expect((await keyManager.list()).filter((ref) => ref.startsWith('wit-')).length).toBeGreaterThanOrEqual(2);
  });

  it('WIT-18: signs no JWT-SVID, and the authority of those signs no WIT-SVID', async () => {
    const audiences: TokenRequest = { spiffeId: ID, audiences: ['a'], ttlMs: HOUR, caps: [], jti: false };
    const [jwt, wit] = [await start({ kind: 'jwt' }), await start()];
    expect((await refusalOfAsync(() => wit.mintToken(audiences))).reason).toBe('SIGNER_UNFIT');
    expect((await refusalOfAsync(() => jwt.mintToken(request))).reason).toBe('SIGNER_UNFIT');
  });

  it('is well when it is the third to start, and says by its own name what is wrong', async () => {
    store = new MemoryAuthorityStore();
    const jwt = await start({ kind: 'jwt' });
    const wit = await start();
    expect([jwt.health().state, wit.health().state]).toEqual(['ok', 'ok']);
    clock.jump(25 * HOUR);
    const failure = await refusalOfAsync(() => wit.mintToken(request));
    expect([failure.reason, failure.hint]).toEqual([
      'AUTHORITY_EXPIRED',
      expect.stringContaining('authority wit show'),
    ]);
  });
});
