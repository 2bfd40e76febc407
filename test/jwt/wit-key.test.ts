// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type HolderKey, newHolderKey, readHolderKey, readPrivateJwk } from '../../src/jwt/wit-key.ts';
import type { JsonValue } from '../../src/lib/json-text.ts';

const holderOf = (jwk: object): HolderKey => {
  const cnf = new Map<string, JsonValue>([['jwk', new Map(Object.entries(jwk) as [string, string][])]]);
  return readHolderKey(cnf) as HolderKey;
};

describe('a new key for a holder', () => {
  it.each([
    ['ec-p256', false, 'ES256', ['alg', 'crv', 'd', 'kty', 'x', 'y']],
    ['ec-p384', true, 'ES384', ['alg', 'crv', 'd', 'kty', 'x', 'y']],
    ['rsa-2048', false, 'RS256', ['alg', 'd', 'dp', 'dq', 'e', 'kty', 'n', 'p', 'q', 'qi']],
    ['rsa-2048', true, 'PS256', ['alg', 'd', 'dp', 'dq', 'e', 'kty', 'n', 'p', 'q', 'qi']],
  ] as const)('WIT-07: CLI-16: of %s, PSS %s, has alg %s and the members %j', async (type, pss, alg, members) => {
    const { publicJwk, privateJwk } = await newHolderKey(type, pss);
    expect(publicJwk.alg).toBe(alg);
    const jwk = JSON.parse(privateJwk) as JsonWebKey;
    expect(Object.keys(jwk).sort()).toEqual([...members]);
    expect(createPrivateKey({ key: jwk, format: 'jwk' }).type).toBe('private');
    expect(Object.keys(publicJwk)).not.toContain('d');
  });

  it.each(['ec-p256', 'ec-p384', 'rsa-2048'] as const)(
    'WAPI-31: of %s signs what its public half takes',
    async (type) => {
      const { publicJwk, privateJwk } = await newHolderKey(type, false);
      const holder = holderOf(publicJwk);
      const signer = readPrivateJwk(privateJwk, holder);
      if (typeof signer === 'string') throw new Error(signer);
      const proof = await signer.sign(Buffer.from('this request'));
      expect(holder.signed(Buffer.from('this request'), proof)).toBe(true);
      expect(holder.signed(Buffer.from('that request'), proof)).toBe(false);
    },
  );
});

describe('the private half, as it is read', () => {
  it('CLI-16: WAPI-31: is refused where the token names another key, or it is none', async () => {
    const [one, two] = [await newHolderKey('ec-p256', false), await newHolderKey('ec-p256', false)];
    const holder = holderOf(one.publicJwk);
    expect(readPrivateJwk(two.privateJwk, holder)).toContain('not the key that the token names');
    expect(readPrivateJwk(JSON.stringify({ ...JSON.parse(one.privateJwk), alg: 'ES384' }), holder)).toContain('alg');
    for (const text of ['', '{', 'null', '{}', JSON.stringify(one.publicJwk)])
      expect(readPrivateJwk(text, holder)).toBe('it is no private JWK');
  });
});
