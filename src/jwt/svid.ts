// SPDX-License-Identifier: Apache-2.0
/**
 * Is this token a JWT-SVID, meant for this audience, that its own trust domain vouches for now? JWT-SVID sections 2 to 5. Only the
 * keys of the trust domain named in `sub` are looked at, and the key's own type has to fit the algorithm, so that neither
 * another trust domain nor the token itself can choose what it is held against.
 *
 * It is a bearer token: whoever has it may use it until it expires. Nothing here remembers tokens (JWT-19).
 */
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import { fitsAlgorithm, isJwsAlgorithm, type JwsAlgorithm, verifyJws } from './algorithms.ts';
import { checkAudience, checkTimes, readSubject } from './claims.ts';
import type { JwtKey } from './key.ts';
import { claimsOf, type JsonObject, type OpenedToken, openToken, signatureOf } from './token.ts';

/** What clients of the Workload API allow for clocks that differ (CLI-11). */
export const LEEWAY_MS = 60_000;

export interface JwtSvidCheck {
  /** The validator's own name; one of the token's must be it, character for character (JWT-08). */
  readonly audience: string;
  /** The JWT keys of a trust domain, or undefined where it is not trusted here. */
  readonly keysOf: (trustDomain: TrustDomain) => readonly JwtKey[] | undefined;
  /** Milliseconds UTC. */
  readonly now: number;
  readonly leewayMs?: number;
}

export interface JwtSvidClaims {
  readonly spiffeId: SpiffeId;
  readonly audiences: readonly string[];
  /** Milliseconds UTC. */
  readonly expiresAt: number;
  /** Names the key in the bundle of its trust domain. */
  readonly kid: string;
  /** All of them, as they were written. */
  readonly claims: JsonObject;
}

/** Refuses with one reason for each rule (docs/errors.md) and with nothing out of the token. */
export function checkJwtSvid(token: string, check: JwtSvidCheck): JwtSvidClaims {
  const opened = openToken(token);
  const { alg, said } = readOpened(opened, check);
  const key = chooseKey(check, said.spiffeId.trustDomain, said.kid);
  checkSignature(opened, alg, key);
  return said;
}

/**
 * What a token says of itself, by all rules but those of the key: for whoever got it from its own daemon. It proves nothing
 * about the one who shows it.
 */
export function readOwnJwtSvid(token: string, check: Omit<JwtSvidCheck, 'keysOf'>): JwtSvidClaims {
  const opened = openToken(token);
  const { said } = readOpened(opened, check);
  signatureOf(opened);
  return said;
}

function readOpened(
  opened: OpenedToken,
  { audience, now, leewayMs = LEEWAY_MS }: Omit<JwtSvidCheck, 'keysOf'>,
): { readonly alg: JwsAlgorithm; readonly said: JwtSvidClaims } {
  const { alg, kid } = readHeader(opened.header);
  const claims = claimsOf(opened);
  const spiffeId = readSubject(claims);
  const audiences = checkAudience(claims, audience);
  const { expiresAt } = checkTimes(claims, now, leewayMs);
  return { alg, said: { spiffeId, audiences, expiresAt, kid, claims } };
}

function readHeader(header: JsonObject): { readonly alg: JwsAlgorithm; readonly kid: string } {
  const alg: unknown = header.get('alg');
  // guard: JWT-02 test/jwt/svid-header.test.ts — before anything else is looked at
  if (!isJwsAlgorithm(alg)) throw refused('JWT_ALGORITHM', 'its algorithm is none that a JWT-SVID may have');
  const typ = header.get('typ');
  // guard: JWT-04 test/jwt/svid-header.test.ts — a token of another kind says so here (attack B8)
  if (typ !== undefined && typ !== 'JWT' && typ !== 'JOSE')
    throw refused('JWT_TYPE', 'its typ is neither JWT nor JOSE');
  // guard: JWT-01 test/jwt/svid-header.test.ts — RFC 7515 section 4.1.11, and RFC 7797, whose payload is not encoded
  if (header.has('crit') || header.has('b64'))
    throw refused('JWT_HEADER', 'its header asks for an extension that is not understood here');
  const kid: unknown = header.get('kid');
  // guard: JWT-05 test/jwt/svid-header.test.ts
  if (typeof kid !== 'string' || kid === '') throw refused('JWT_KEY_ID', 'it names no key');
  return { alg, kid };
}

function chooseKey({ keysOf }: JwtSvidCheck, trustDomain: TrustDomain, kid: string): JwtKey {
  const keys = keysOf(trustDomain) ?? [];
  // guard: JWT-16 test/jwt/svid-key.test.ts
  if (keys.length === 0) throw refused('JWT_UNTRUSTED', `no JWT bundle of ${trustDomain.id} is trusted here`);
  const key = keys.find((one) => one.kid === kid);
  // guard: JWT-13 test/jwt/svid-key.test.ts
  if (key === undefined) throw refused('JWT_KEY_UNKNOWN', `the JWT bundle of ${trustDomain.id} has no key of that kid`);
  return key;
}

function checkSignature(opened: OpenedToken, alg: JwsAlgorithm, { publicKey }: JwtKey): void {
  // guard: JWT-14 test/jwt/svid-key.test.ts
  if (!fitsAlgorithm(alg, publicKey))
    throw refused('JWT_KEY_UNFIT', 'its algorithm is not one of the key that it names');
  const signed = verifyJws(alg, publicKey, opened.signingInput, signatureOf(opened));
  // guard: JWT-13 test/jwt/svid-key.test.ts
  if (!signed) throw refused('JWT_SIGNATURE', 'its signature is not that of the key that it names');
}

function refused(reason: string, broken: string): Failure {
  return new Failure('invalid-argument', reason, `the token is refused: ${broken}`, { field: 'svid' });
}
