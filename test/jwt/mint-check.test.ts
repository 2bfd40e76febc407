// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import type { JwtSvidOrder } from '../../src/jwt/mint.ts';
import { checkMinted } from '../../src/jwt/mint-check.ts';
import { newJwtKey, rawToken } from '../support/jwt-keys.ts';
import { refusalOf } from '../support/refusal.ts';
import { key, NOW, SECONDS } from './checked.ts';

const order: JwtSvidOrder = {
  alg: 'ES256',
  kid: 'k1',
  sign: key.sign,
  spiffeId: SpiffeId.parse('spiffe://td/web'),
  audiences: ['a', 'b'],
  issuedAt: NOW,
  expiresAt: NOW + 300_000,
  issuer: 'https://id.example.org',
  jti: 'j',
};
const header = { alg: 'ES256', kid: 'k1', typ: 'JWT' };
const claims = {
  sub: 'spiffe://td/web',
  aud: ['a', 'b'],
  exp: SECONDS + 300,
  iat: SECONDS,
  iss: 'https://id.example.org',
  jti: 'j',
};
const text = JSON.stringify(claims);

describe('the look at a token before it leaves', () => {
  it('I2: passes what was ordered', async () => {
    checkMinted(await rawToken(key, header, claims), { ...order, verifyWith: key.publicKey });
  });

  it.each([
    ['another alg', { alg: 'ES384' }],
    ['another kid', { kid: 'k2' }],
    ['no kid', { kid: undefined }],
    ['another typ', { typ: 'wit+jwt' }],
    ['no typ', { typ: undefined }],
    ['a member more', { jku: 'https://evil.example' }],
    ['a member instead', { typ: undefined, x: 'JWT' }],
  ])('I2: JWT-03: stops a header with %s', async (_, change) => {
    const token = await rawToken(key, { ...header, ...change }, claims);
    expect(refusalOf(() => checkMinted(token, order))).toMatchObject({ reason: 'SVID_SELF_CHECK', field: 'header' });
  });

  it.each([
    ['another sub', { sub: 'spiffe://td/web2' }],
    ['sub as a list', { sub: ['spiffe://td/web'] }],
    ['other audiences', { aud: ['a', 'c'] }],
    ['an audience fewer', { aud: ['a'] }],
    ['an audience more', { aud: ['a', 'b', 'c'] }],
    ['audiences in another order', { aud: ['b', 'a'] }],
    ['audiences as text', { aud: 'a,b' }],
    ['a later end', { exp: SECONDS + 301 }],
    ['an end as text', { exp: `${SECONDS + 300}` }],
    ['no end', { exp: undefined }],
    ['another beginning', { iat: SECONDS - 1 }],
    ['another issuer', { iss: 'https://id.example.com' }],
    ['no jti', { jti: undefined }],
    ['a claim more', { admin: true }],
    ['a claim instead', { jti: undefined, nbf: SECONDS }],
  ])('I2: stops claims with %s', async (_, change) => {
    const token = await rawToken(key, header, { ...claims, ...change });
    expect(refusalOf(() => checkMinted(token, order))).toMatchObject({ reason: 'SVID_SELF_CHECK', field: 'claims' });
  });

  it.each([
    ['an exponent', `${(SECONDS + 300) / 100}e2`],
    ['a fraction', `${SECONDS + 300}.0`],
  ])('JWT-10: stops an end written with %s', async (_, exp) => {
    const token = await rawToken(key, header, text.replace(`"exp":${SECONDS + 300}`, `"exp":${exp}`));
    expect(refusalOf(() => checkMinted(token, order)).field).toBe('claims');
  });

  it('JWT-20: stops a signature that is not 64 bytes long, verified or not', async () => {
    const es384 = newJwtKey('ES384');
    const token = await rawToken(es384, header, claims);
    expect(refusalOf(() => checkMinted(token, order)).field).toBe('signature');
  });

  it('I2: stops a signature of another key, where it is verified', async () => {
    const token = await rawToken(newJwtKey('ES256'), header, claims);
    checkMinted(token, order);
    const failure = refusalOf(() => checkMinted(token, { ...order, verifyWith: key.publicKey }));
    expect(failure).toMatchObject({ reason: 'SVID_SELF_CHECK', field: 'signature' });
  });
});
