// SPDX-License-Identifier: Apache-2.0
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { JWS_ALGORITHMS } from '../../src/jwt/algorithms.ts';
import { newJwtKey, part } from '../support/jwt-keys.ts';
import { accepted, goodClaims, key, refusalOfToken, refusedWith } from './checked.ts';

describe('alg', () => {
  it.each(JWS_ALGORITHMS)('JWT-02: %s is accepted of a key that fits', async (alg) => {
    const by = newJwtKey(alg, 'k1');
    const { spiffeId } = await accepted({ header: { alg }, by }, { keysOf: () => [by] });
    expect(spiffeId.toString()).toBe('spiffe://td/web');
  });

  it.each([
    'none',
    'None',
    'NONE',
    'es256',
    'Es256',
    'ES256 ',
    'HS256',
    'HS384',
    'HS512',
    'EdDSA',
    'Ed25519',
    'ES256K',
    'RSA1_5',
    'dir',
    '',
    '__proto__',
    'constructor',
  ])('JWT-02: %j is refused', async (alg) => {
    expect((await refusedWith({ header: { alg } })).reason).toBe('JWT_ALGORITHM');
  });

  it.each([[undefined], [null], [1], [['ES256']], [{ ES256: true }]])(
    'JWT-02: is refused when it is %j',
    async (alg) => {
      expect((await refusedWith({ header: { alg } })).reason).toBe('JWT_ALGORITHM');
    },
  );

  it('JWT-02: HMAC with the public key as the secret is refused', () => {
    for (const secret of [
      key.publicKey.export({ type: 'spki', format: 'der' }),
      key.publicKey.export({ type: 'spki', format: 'pem' }),
    ]) {
      const input = `${part({ alg: 'HS256', kid: 'k1' })}.${part(goodClaims)}`;
      const mac = createHmac('sha256', secret).update(input).digest('base64url');
      expect(refusalOfToken(`${input}.${mac}`).reason).toBe('JWT_ALGORITHM');
    }
  });

  it('JWT-02: EdDSA is refused also when the bundle holds such a key', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const input = `${part({ alg: 'EdDSA', kid: 'e' })}.${part(goodClaims)}`;
    const token = `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
    expect(refusalOfToken(token, { keysOf: () => [{ kid: 'e', publicKey }] }).reason).toBe('JWT_ALGORITHM');
  });

  it('JWT-02: is looked at before anything else', async () => {
    const bad = { typ: 'wit+jwt', kid: undefined, crit: ['x'] };
    expect((await refusedWith({ header: { alg: 'HS256', ...bad }, claims: { sub: 1, exp: 1 } })).reason).toBe(
      'JWT_ALGORITHM',
    );
    expect(refusalOfToken(`${part({ alg: 'none' })}.${part(goodClaims)}.`).reason).toBe('JWT_ALGORITHM');
    expect(refusalOfToken(`${part({ alg: 'none' })}.?.?`).reason).toBe('JWT_ALGORITHM');
  });
});

describe('typ', () => {
  it.each(['JWT', 'JOSE', undefined])('JWT-04: %j is accepted', async (typ) => {
    await accepted({ header: { typ } });
  });

  it.each(['wit+jwt', 'at+jwt', 'jwt', 'jose', 'Jwt', 'application/jwt', 'dpop+jwt', '', null, 1, ['JWT']])(
    'JWT-04: %j is refused',
    async (typ) => {
      expect((await refusedWith({ header: { typ } })).reason).toBe('JWT_TYPE');
    },
  );
});

describe('kid', () => {
  it.each([undefined, '', null, 7, ['k1'], { k1: 1 }])('JWT-05: AMB-03: is refused when it is %j', async (kid) => {
    expect((await refusedWith({ header: { kid } })).reason).toBe('JWT_KEY_ID');
  });

  it.each(['K1', 'k1 ', ' k1', 'k', 'k11', '../k1', "k1' OR '1'='1", '__proto__'])(
    'JWT-05: %j is another name than the key’s',
    async (kid) => {
      expect((await refusedWith({ header: { kid } })).reason).toBe('JWT_KEY_UNKNOWN');
    },
  );
});

describe('other header members', () => {
  it.each([
    ['crit', { crit: ['exp'] }],
    ['an empty crit', { crit: [] }],
    ['crit and b64', { crit: ['b64'], b64: false }],
    ['b64 alone', { b64: true }],
  ])('JWT-01: %s is refused: it changes what is signed, or asks what we do not know', async (_, header) => {
    expect((await refusedWith({ header })).reason).toBe('JWT_HEADER');
  });

  it('JWT-13: a key, a certificate or an address in the header chooses nothing', async () => {
    const own = newJwtKey('ES256', 'k1');
    const jwk = own.publicKey.export({ format: 'jwk' });
    const header = { jwk, jku: 'https://evil.example/keys', x5u: 'https://evil.example/c.pem', x5c: ['AA=='] };
    expect((await refusedWith({ header, by: own })).reason).toBe('JWT_SIGNATURE');
  });
});
