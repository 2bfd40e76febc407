// SPDX-License-Identifier: Apache-2.0
/**
 * Is this token a JWT-SVID, meant for this audience, that its own trust domain vouches for now? JWT-SVID sections 2 to 5. Only the
 * keys of the trust domain named in `sub` are looked at, and the key's own type has to fit the algorithm, so that neither
 * another trust domain nor the token itself can choose what it is held against.
 *
 * It is a bearer token: whoever has it may use it until it expires. Nothing here remembers tokens (JWT-19).
 */
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { JwsAlgorithm } from './algorithms.ts';
import { checkAudience, checkTimes, readSubject } from './claims.ts';
import { claimsOf, type JsonObject, type OpenedToken, openToken, signatureOf } from './token.ts';
import { checkSignature, chooseKey, type KeysOf, readHeader } from './verify.ts';

/** What clients of the Workload API allow for clocks that differ (CLI-11). */
export const LEEWAY_MS = 60_000;

export interface JwtSvidCheck {
  /** The validator's own name; one of the token's must be it, character for character (JWT-08). */
  readonly audience: string;
  /** The JWT keys of a trust domain, or undefined where it is not trusted here. */
  readonly keysOf: KeysOf;
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
  const key = chooseKey(check.keysOf, said.spiffeId.trustDomain, said.kid, 'JWT');
  checkSignature(opened, alg, key);
  return said;
}

/**
 * The same for whoever is not its audience: an issuer that is asked about its own token. Its times are held against the
 * clock without leeway: they are of the same clock.
 */
export function inspectJwtSvid(token: string, { keysOf, now }: Pick<JwtSvidCheck, 'keysOf' | 'now'>): JwtSvidClaims {
  const opened = openToken(token);
  const { alg, said } = readOpened(opened, { audience: undefined, now, leewayMs: 0 });
  const key = chooseKey(keysOf, said.spiffeId.trustDomain, said.kid, 'JWT');
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
  {
    audience,
    now,
    leewayMs = LEEWAY_MS,
  }: Omit<JwtSvidCheck, 'keysOf' | 'audience'> & { readonly audience: string | undefined },
): { readonly alg: JwsAlgorithm; readonly said: JwtSvidClaims } {
  const { alg, kid } = readHeader(opened.header, isType, 'neither JWT nor JOSE');
  const claims = claimsOf(opened);
  const spiffeId = readSubject(claims);
  const audiences = checkAudience(claims, audience);
  const { expiresAt } = checkTimes(claims, now, leewayMs);
  return { alg, said: { spiffeId, audiences, expiresAt, kid, claims } };
}

const isType = (typ: unknown): boolean => typ === undefined || typ === 'JWT' || typ === 'JOSE';
