// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { JWS_ALGORITHMS } from '../../src/jwt/algorithms.ts';
import { newHolderKey } from '../../src/jwt/wit-key.ts';
import { mintWitSvid, type WitSvidOrder } from '../../src/jwt/wit-mint.ts';
import { checkWitSvid } from '../../src/jwt/wit-svid.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { NOW, SECONDS } from './checked.ts';
import { check, key } from './wit-checked.ts';

const { publicJwk } = await newHolderKey('ec-p256', false);
const order: WitSvidOrder = {
  alg: 'ES256',
  kid: 'w1',
  sign: key.sign,
  spiffeId: SpiffeId.parse('spiffe://td/web'),
  confirms: publicJwk,
  issuedAt: NOW + 999,
  notBefore: NOW - 10_000,
  expiresAt: NOW + 300_999,
  jti: '0123456789abcdef',
};
const opened = (token: string, at: number): unknown =>
  JSON.parse(Buffer.from(token.split('.')[at] as string, 'base64url').toString());

describe('a minted WIT-SVID', () => {
  it.each(JWS_ALGORITHMS)('WIT-03: %s: passes the check', async (alg) => {
    const by = newJwtKey(alg, 'w1');
    const token = await mintWitSvid({ ...order, alg, sign: by.sign, verifyWith: by.publicKey });
    const said = await checkWitSvid(token, { ...check, keysOf: () => [by], provesPossession: () => true });
    expect(said.spiffeId.toString()).toBe('spiffe://td/web');
  });

  it('WIT-01: WIT-02: WIT-04: has alg, kid and typ in its header, and nothing more', async () => {
    expect(opened(await mintWitSvid(order), 0)).toEqual({ alg: 'ES256', kid: 'w1', typ: 'wit+jwt' });
  });

  it('WIT-05: WIT-06: WIT-07: WIT-08: WIT-11: says what was ordered, and nothing more', async () => {
    const { kty, crv, x, y } = publicJwk as unknown as Record<string, string>;
    expect(opened(await mintWitSvid(order), 1)).toEqual({
      sub: 'spiffe://td/web',
      cnf: { jwk: { kty, alg: 'ES256', crv, x, y } },
      exp: SECONDS + 300,
      nbf: SECONDS - 10,
      iat: SECONDS,
      jti: '0123456789abcdef',
    });
  });

  it('WIT-06: says nothing private of a key, also where it is handed some', async () => {
    const confirms = { ...publicJwk, d: 'secret' };
    expect(JSON.stringify(opened(await mintWitSvid({ ...order, confirms }), 1))).not.toContain('secret');
  });

  it('WIT-07: WIT-06: names an RSA key by n and e', async () => {
    const rsa = await newHolderKey('rsa-2048', true);
    const { cnf } = opened(await mintWitSvid({ ...order, confirms: rsa.publicJwk }), 1) as { cnf: { jwk: object } };
    expect(Object.keys(cnf.jwk).sort()).toEqual(['alg', 'e', 'kty', 'n']);
    expect(cnf.jwk).toMatchObject({ kty: 'RSA', alg: 'PS256' });
  });

  it('WIT-13: has no issuer that OpenID Connect could look up', async () => {
    for (const issuer of ['https://id.example.org', 'HTTPS://id.example.org'])
      expect((await refusalOfAsync(() => mintWitSvid({ ...order, issuer }))).reason).toBe('SVID_SELF_CHECK');
    expect(opened(await mintWitSvid({ ...order, issuer: 'spiffe://td' }), 1)).toMatchObject({ iss: 'spiffe://td' });
  });

  it.each([
    ['WIT-05: of a trust domain', { spiffeId: SpiffeId.parse('spiffe://td') }, 'SVID_SELF_CHECK'],
    ['I5: that ends when it begins', { expiresAt: NOW + 500 }, 'SVID_WOULD_BE_EXPIRED'],
    ['WIT-09: that begins later', { notBefore: NOW + 60_000 }, 'SVID_WOULD_BE_EXPIRED'],
  ])('%s is not made', async (_, change, reason) => {
    expect((await refusalOfAsync(() => mintWitSvid({ ...order, ...change }))).reason).toBe(reason);
  });

  it('I2: does not leave when another key signed it', async () => {
    const by = newJwtKey('ES256');
    const failure = await refusalOfAsync(() => mintWitSvid({ ...order, sign: by.sign, verifyWith: key.publicKey }));
    expect(failure).toMatchObject({ reason: 'SVID_SELF_CHECK', field: 'signature' });
  });
});
