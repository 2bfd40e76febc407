// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parseJwks } from '../../src/jwt/key.ts';
import { checkJwtSvid, type JwtSvidCheck } from '../../src/jwt/svid.ts';
import { refusalOf } from '../support/refusal.ts';

interface Museum {
  readonly now: number;
  readonly audience: string;
  readonly trustDomain: string;
  readonly jwks: string;
  readonly good: string;
  readonly hostile: readonly { readonly name: string; readonly reason: string; readonly token: string }[];
}

const museum = JSON.parse(readFileSync(new URL('../vectors/jwt/hostile.json', import.meta.url), 'utf8')) as Museum;
const { keys } = parseJwks(museum.jwks, 'bundle');
const check: JwtSvidCheck = {
  audience: museum.audience,
  now: museum.now,
  keysOf: (trustDomain) => (trustDomain.name === museum.trustDomain ? keys : undefined),
};

describe('the museum of hostile tokens', () => {
  it('has one that is none', () => {
    expect(checkJwtSvid(museum.good, check).spiffeId.toString()).toBe('spiffe://td/web');
  });

  it.each(museum.hostile)('WAPI-28: I10: $name: $reason, and nothing of the token is repeated', ({ reason, token }) => {
    const failure = refusalOf(() => checkJwtSvid(token, check));
    expect(failure).toMatchObject({ kind: 'invalid-argument', reason, value: undefined });
    for (const piece of token.split(/[.",:]/).filter(({ length }) => length > 6))
      expect(failure.message).not.toContain(piece);
  });
});
