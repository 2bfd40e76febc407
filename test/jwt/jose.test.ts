// SPDX-License-Identifier: Apache-2.0
/** A second opinion: `jose` reads what we write, and we read what it writes. */

import { describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { JWS_ALGORITHMS } from '../../src/jwt/algorithms.ts';
import { parseJwks, renderJwks } from '../../src/jwt/key.ts';
import { mintJwtSvid } from '../../src/jwt/mint.ts';
import { checkJwtSvid } from '../../src/jwt/svid.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { check, NOW, SECONDS } from './checked.ts';

const currentDate = new Date(NOW);
const keys = JWS_ALGORITHMS.map((alg) => newJwtKey(alg));

describe('jose', () => {
  it.each(keys)('JWT-20: WAPI-26: verifies our $alg tokens with our JWK set', async ({ alg, kid, sign }) => {
    const token = await mintJwtSvid({
      alg,
      kid,
      sign,
      spiffeId: SpiffeId.parse('spiffe://td/web'),
      audiences: ['b', 'a'],
      issuedAt: NOW,
      expiresAt: NOW + 300_000,
    });
    const set = createLocalJWKSet(JSON.parse(renderJwks(keys).toString()) as { keys: JWK[] });
    const options = { currentDate, audience: 'a', typ: 'JWT', requiredClaims: ['sub', 'exp', 'aud', 'iat'] };
    const { payload } = await jwtVerify(token, set, options);
    expect(payload).toEqual({ sub: 'spiffe://td/web', aud: ['b', 'a'], exp: SECONDS + 300, iat: SECONDS });
    await expect(jwtVerify(token, set, { ...options, audience: 'c' })).rejects.toThrow('"aud"');
  });

  it.each(JWS_ALGORITHMS)('signs %s tokens that we verify with its JWK', async (alg) => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const token = await new SignJWT({})
      .setProtectedHeader({ alg, kid: 'theirs' })
      .setSubject('spiffe://td/web')
      .setAudience('a')
      .setExpirationTime(SECONDS + 300)
      .sign(privateKey);
    const jwk = { ...(await exportJWK(publicKey)), kid: 'theirs' };
    const { keys: read } = parseJwks(JSON.stringify({ keys: [jwk] }), 'bundle');
    expect(checkJwtSvid(token, { ...check, keysOf: () => read }).expiresAt).toBe(NOW + 300_000);
  });
});
