// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { signJws } from '../../src/jwt/algorithms.ts';
import { mintJwtSvid } from '../../src/jwt/mint.ts';
import { discoveryDocument, oidcKeys } from '../../src/jwt/oidc.ts';

const issuer = 'https://id.example.org/td';
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const keys = [
  { kid: 'one', publicKey: ec.publicKey },
  { kid: 'two', publicKey: rsa.publicKey },
];
const setOf = (text: string) => (JSON.parse(text) as { keys: (JsonWebKey & { kid: string })[] }).keys;

describe('the key set for OIDC', () => {
  it('has use sig, alg and kid, the public members, and nothing else: no x5c, no private half', () => {
    const set = setOf(oidcKeys(keys, { pss: false }));
    expect(set).toMatchObject([
      { kid: 'one', use: 'sig', alg: 'ES256', kty: 'EC' },
      { kid: 'two', use: 'sig', alg: 'RS256', kty: 'RSA' },
    ]);
    expect(set.map((key) => Object.keys(key).sort())).toEqual([
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
      ['alg', 'e', 'kid', 'kty', 'n', 'use'],
    ]);
    expect(createPublicKey({ key: set[0] as JsonWebKey, format: 'jwk' }).equals(ec.publicKey)).toBe(true);
  });

  it('says PS256 of RSA keys that sign with it', () => {
    expect(setOf(oidcKeys(keys, { pss: true })).map((key) => key['alg' as never])).toEqual(['ES256', 'PS256']);
  });

  it.each([
    ['one', 'ES256', ec.privateKey],
    ['two', 'RS256', rsa.privateKey],
  ] as const)('verifies a token of key %s with a stock library', async (kid, alg, key: KeyObject) => {
    const token = await mintJwtSvid({
      alg,
      kid,
      sign: (input) => signJws(alg, key, input),
      spiffeId: SpiffeId.parse('spiffe://td/a'),
      audiences: ['sts.amazonaws.com'],
      issuedAt: Date.now(),
      expiresAt: Date.now() + 60_000,
      issuer,
    });
    const set = createLocalJWKSet(JSON.parse(oidcKeys(keys, { pss: false })));
    const { payload } = await jwtVerify(token, set, { issuer, audience: 'sts.amazonaws.com' });
    expect(payload.sub).toBe('spiffe://td/a');
  });
});

it('the discovery document has what OpenID Connect Discovery requires, RS256 among the algorithms', () => {
  expect(JSON.parse(discoveryDocument(keys.slice(0, 1), { issuer, pss: false }))).toEqual({
    issuer,
    jwks_uri: `${issuer}/keys`,
    authorization_endpoint: '',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256'],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
  });
});
