// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeProtectedHeader } from 'jose';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { JWS_ALGORITHMS } from '../../src/jwt/algorithms.ts';
import { type JwtSvidOrder, mintJwtSvid } from '../../src/jwt/mint.ts';
import { checkJwtSvid } from '../../src/jwt/svid.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { check, key, NOW, SECONDS } from './checked.ts';

const order: JwtSvidOrder = {
  alg: 'ES256',
  kid: 'k1',
  sign: key.sign,
  spiffeId: SpiffeId.parse('spiffe://td/web'),
  audiences: ['a'],
  issuedAt: NOW + 999,
  expiresAt: NOW + 300_999,
};

const payloadOf = (token: string): string => Buffer.from(token.split('.')[1] as string, 'base64url').toString();

describe('a minted token', () => {
  it.each(JWS_ALGORITHMS)('%s: passes the check', async (alg) => {
    const by = newJwtKey(alg);
    const token = await mintJwtSvid({ ...order, alg, kid: by.kid, sign: by.sign, verifyWith: by.publicKey });
    expect(checkJwtSvid(token, { ...check, keysOf: () => [by] }).spiffeId.toString()).toBe('spiffe://td/web');
  });

  it('JWT-03: JWT-05: has alg, kid and typ in its header, and nothing more', async () => {
    expect(decodeProtectedHeader(await mintJwtSvid(order))).toEqual({ alg: 'ES256', kid: 'k1', typ: 'JWT' });
  });

  it('JWT-06: JWT-07: says what was ordered, and nothing more', async () => {
    const claims = { sub: 'spiffe://td/web', aud: 'a', exp: SECONDS + 300, iat: SECONDS };
    expect(JSON.parse(payloadOf(await mintJwtSvid(order)))).toEqual(claims);
    const more = { issuer: 'https://id.example.org', jti: '0123456789abcdef' };
    expect(JSON.parse(payloadOf(await mintJwtSvid({ ...order, ...more })))).toEqual({
      ...claims,
      iss: more.issuer,
      jti: more.jti,
    });
  });

  it('I2: says of a task what was ordered beside that, and never instead of it', async () => {
    const detail = new Map<string, string | string[]>([
      ['type', 't'],
      ['actions', ['read']],
    ]);
    const more = [
      ['txn', '1'],
      ['authorization_details', [detail]],
    ] as const;
    expect(JSON.parse(payloadOf(await mintJwtSvid({ ...order, more })))).toMatchObject({
      sub: 'spiffe://td/web',
      txn: '1',
      authorization_details: [{ type: 't', actions: ['read'] }],
    });
    for (const name of ['sub', 'aud', 'exp', 'act', '__proto__'])
      expect((await refusalOfAsync(() => mintJwtSvid({ ...order, more: [[name, 'x']] }))).message).toContain(
        'may be added',
      );
  });

  it('WAPI-21: AMB-02: has one audience as a string and more as a list, in their order', async () => {
    expect(payloadOf(await mintJwtSvid(order))).toContain('"aud":"a",');
    expect(payloadOf(await mintJwtSvid({ ...order, audiences: ['b', 'a', 'b'] }))).toContain('"aud":["b","a","b"],');
  });

  it('JWT-10: has times as whole seconds; JWT-12: I5: rounded down, so neither ahead of the clock nor beyond its end', async () => {
    const payload = payloadOf(await mintJwtSvid(order));
    expect(payload).toMatch(new RegExp(`"exp":${SECONDS + 300}[,}]`));
    expect(payload).toMatch(new RegExp(`"iat":${SECONDS}[,}]`));
  });

  it('JWT-20: has R and S side by side', async () => {
    const signature = (await mintJwtSvid(order)).split('.')[2] as string;
    expect(Buffer.from(signature, 'base64url')).toHaveLength(64);
  });

  it('says of any ID and audience what was ordered', async () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_-]{1,30}$/);
    const audience = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(segment, fc.array(audience, { minLength: 1, maxLength: 5 }), async (name, audiences) => {
        const spiffeId = SpiffeId.parse(`spiffe://td/${name}`);
        const token = await mintJwtSvid({ ...order, spiffeId, audiences });
        const read = checkJwtSvid(token, { ...check, audience: audiences.at(-1) as string });
        expect(read.spiffeId.equals(spiffeId)).toBe(true);
        expect(read.audiences).toEqual(audiences);
      }),
      { numRuns: 50 },
    );
  });
});

describe('an order that cannot be met', () => {
  it.each([
    ['JWT-07: no audience', { audiences: [] }, 'SVID_SELF_CHECK'],
    ['JWT-07: an empty audience', { audiences: ['a', ''] }, 'SVID_SELF_CHECK'],
    ['JWT-06: an ID without a path', { spiffeId: SpiffeId.parse('spiffe://td') }, 'SVID_SELF_CHECK'],
    ['I5: an end that is not after its beginning', { expiresAt: NOW + 999 }, 'SVID_WOULD_BE_EXPIRED'],
    ['I9: audiences beyond what a token holds', { audiences: ['a'.repeat(16_384)] }, 'JWT_MALFORMED'],
  ])('%s: is refused', async (_, change, reason) => {
    expect((await refusalOfAsync(() => mintJwtSvid({ ...order, ...change }))).reason).toBe(reason);
  });

  it('I2: that is changed while it is signed gives no token', async () => {
    const audiences = ['a', 'b'];
    const sign = (input: Buffer): Buffer | Promise<Buffer> => {
      audiences[1] = 'c';
      return key.sign(input);
    };
    expect((await refusalOfAsync(() => mintJwtSvid({ ...order, audiences, sign }))).reason).toBe('SVID_SELF_CHECK');
  });

  it('I2: whose signer signs something else gives no token where the signature is verified', async () => {
    const sign = (input: Buffer): Buffer | Promise<Buffer> => key.sign(Buffer.concat([input, input]));
    const failure = await refusalOfAsync(() => mintJwtSvid({ ...order, sign, verifyWith: key.publicKey }));
    expect(failure).toMatchObject({ reason: 'SVID_SELF_CHECK', field: 'signature' });
  });
});
