// SPDX-License-Identifier: Apache-2.0
/** One validator in the world of `td`, a holder that proves its key, and WIT-SVIDs that pass but for what a test changes. */

import { checkWitSvid, type WitSvidCheck, type WitSvidClaims } from '../../src/jwt/wit-svid.ts';
import type { Failure } from '../../src/lib/failure.ts';
import { newJwtKey, rawToken, type TestJwtKey } from '../support/jwt-keys.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { NOW, SECONDS } from './checked.ts';

export const key = newJwtKey('ES256', 'w1');
export const holder = newJwtKey('ES256', 'holder');
export const holderJwk = { ...holder.publicKey.export({ format: 'jwk' }), alg: 'ES256' };
export const goodHeader = { alg: 'ES256', kid: 'w1', typ: 'wit+jwt' };
export const goodClaims = {
  sub: 'spiffe://td/web',
  exp: SECONDS + 300,
  iat: SECONDS,
  nbf: SECONDS,
  cnf: { jwk: holderJwk },
};

const request = Buffer.from('GET /orders at this instant');

/** The presenter signs the request, and the validator looks at that with the key of the token. */
export const provenBy = (by: TestJwtKey): WitSvidCheck['provesPossession'] => {
  return async (held) => held.signed(request, await by.sign(request));
};

export const check: WitSvidCheck = {
  now: NOW,
  keysOf: (trustDomain) => (trustDomain.name === 'td' ? [key] : undefined),
  provesPossession: provenBy(holder),
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

export const accepted = async (change: Change, by: Partial<WitSvidCheck> = {}): Promise<WitSvidClaims> =>
  checkWitSvid(await tokenWith(change), { ...check, ...by });

/** Every refusal is INVALID_ARGUMENT and holds nothing of the token (I10). */
export async function refusedWith(change: Change, by: Partial<WitSvidCheck> = {}): Promise<Failure> {
  const token = await tokenWith(change);
  const failure = await refusalOfAsync(() => checkWitSvid(token, { ...check, ...by }));
  const said = `${failure.message} ${failure.value} ${failure.hint}`;
  const shown = token.split('.').filter((piece) => piece.length > 8 && said.includes(piece));
  if (failure.kind !== 'invalid-argument' || shown.length > 0) throw new Error(`not as promised: ${said}`);
  return failure;
}
