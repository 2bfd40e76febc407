// SPDX-License-Identifier: Apache-2.0
/**
 * What JWT-SVIDs and WIT-SVIDs have in common: a header that names one of the nine algorithms and a key, and a signature by
 * that key of the trust domain of the subject. Which kind of token it is decides which `typ` passes and whose keys are looked at.
 */
import type { TrustDomain } from '../identity/trust-domain.ts';
import { fitsAlgorithm, isJwsAlgorithm, type JwsAlgorithm, verifyJws } from './algorithms.ts';
import type { JwtKey } from './key.ts';
import { type JsonObject, type OpenedToken, signatureOf } from './token.ts';
import { tokenRefused } from './token-refusal.ts';

/** Of one kind of token alone (WAPI-36): undefined where that trust domain is not trusted here. */
export type KeysOf = (trustDomain: TrustDomain) => readonly JwtKey[] | undefined;

export interface TokenHeader {
  readonly alg: JwsAlgorithm;
  readonly kid: string;
}

/** `types` ends a sentence: what `typ` may be. */
export function readHeader(header: JsonObject, isType: (typ: unknown) => boolean, types: string): TokenHeader {
  const alg: unknown = header.get('alg');
  // guard: JWT-02 test/jwt/svid-header.test.ts — before anything else is looked at
  if (!isJwsAlgorithm(alg)) throw tokenRefused('JWT_ALGORITHM', 'its algorithm is none that such a token may have');
  // guard: JWT-04 test/jwt/svid-header.test.ts — a token of another kind says so here (attack B8)
  if (!isType(header.get('typ'))) throw tokenRefused('JWT_TYPE', `its typ is ${types}`);
  // guard: JWT-01 test/jwt/svid-header.test.ts — RFC 7515 section 4.1.11, and RFC 7797, whose payload is not encoded
  if (header.has('crit') || header.has('b64'))
    throw tokenRefused('JWT_HEADER', 'its header asks for an extension that is not understood here');
  const kid: unknown = header.get('kid');
  // guard: JWT-05 test/jwt/svid-header.test.ts
  if (typeof kid !== 'string' || kid === '') throw tokenRefused('JWT_KEY_ID', 'it names no key');
  return { alg, kid };
}

/** `kind` of SVID, as in "JWT". */
export function chooseKey(keysOf: KeysOf, trustDomain: TrustDomain, kid: string, kind: 'JWT' | 'WIT'): JwtKey {
  const keys = keysOf(trustDomain) ?? [];
  // guard: JWT-16 test/jwt/svid-key.test.ts
  if (keys.length === 0) throw tokenRefused('JWT_UNTRUSTED', `no ${kind} bundle of ${trustDomain.id} is trusted here`);
  const key = keys.find((one) => one.kid === kid);
  // guard: JWT-13 test/jwt/svid-key.test.ts
  if (key === undefined)
    throw tokenRefused('JWT_KEY_UNKNOWN', `the ${kind} bundle of ${trustDomain.id} has no key of that kid`);
  return key;
}

export function checkSignature(opened: OpenedToken, alg: JwsAlgorithm, { publicKey }: JwtKey): void {
  // guard: JWT-14 test/jwt/svid-key.test.ts
  if (!fitsAlgorithm(alg, publicKey))
    throw tokenRefused('JWT_KEY_UNFIT', 'its algorithm is not one of the key that it names');
  const signed = verifyJws(alg, publicKey, opened.signingInput, signatureOf(opened));
  // guard: JWT-13 test/jwt/svid-key.test.ts
  if (!signed) throw tokenRefused('JWT_SIGNATURE', 'its signature is not that of the key that it names');
}
