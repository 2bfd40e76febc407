// SPDX-License-Identifier: Apache-2.0
/** One validator, `a` in the world of `td`, and tokens that pass it but for what a test changes. */
import { checkJwtSvid, type JwtSvidCheck, type JwtSvidClaims } from '../../src/jwt/svid.ts';
import type { Failure } from '../../src/lib/failure.ts';
import { newJwtKey, rawToken, type TestJwtKey } from '../support/jwt-keys.ts';
import { refusalOf } from '../support/refusal.ts';

/** 2026-03-01T12:00:00Z. */
export const NOW = Date.UTC(2026, 2, 1, 12);
export const SECONDS = NOW / 1000;

export const key = newJwtKey('ES256', 'k1');
export const goodHeader = { alg: 'ES256', kid: 'k1', typ: 'JWT' };
export const goodClaims = { sub: 'spiffe://td/web', aud: 'a', exp: SECONDS + 300, iat: SECONDS };

export const check: JwtSvidCheck = {
  audience: 'a',
  now: NOW,
  keysOf: (trustDomain) => (trustDomain.name === 'td' ? [key] : undefined),
};

export interface Change {
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly by?: TestJwtKey;
}

/** `undefined` takes a member out. */
export function tokenWith({ header, claims, by = key }: Change = {}): Promise<string> {
  return rawToken(by, { ...goodHeader, ...header }, { ...goodClaims, ...claims });
}

export const accepted = async (change: Change, by: Partial<JwtSvidCheck> = {}): Promise<JwtSvidClaims> =>
  checkJwtSvid(await tokenWith(change), { ...check, ...by });

export const refusedWith = async (change: Change, by: Partial<JwtSvidCheck> = {}): Promise<Failure> =>
  refusalOfToken(await tokenWith(change), by);

/** Every refusal is INVALID_ARGUMENT, holds nothing of the token and says what to do (WAPI-28, I10). */
export function refusalOfToken(token: string, by: Partial<JwtSvidCheck> = {}): Failure {
  const failure = refusalOf(() => checkJwtSvid(token, { ...check, ...by }));
  const said = `${failure.message} ${failure.value} ${failure.hint}`;
  const shown = token.split('.').filter((piece) => piece.length > 8 && said.includes(piece));
  if (failure.kind !== 'invalid-argument' || shown.length > 0 || failure.hint === undefined)
    throw new Error(`not as promised: ${said}`);
  return failure;
}
