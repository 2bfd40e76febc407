// SPDX-License-Identifier: Apache-2.0
/**
 * Is this token a WIT-SVID that its own trust domain vouches for now, and does whoever presents it hold its key?
 * spiffe/spiffe standards/WIT-SVID.md, Incubating, sections 2 to 6.
 *
 * It is no bearer token: without the second answer the first one is worth nothing, so there is no way to ask for the first alone
 * (WIT-14). How possession is proved is the protocol's affair (a WIMSE proof token, HTTP message signatures); the caller hands
 * in the look at that proof.
 */
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { JwsAlgorithm } from './algorithms.ts';
import { checkTimes, readSubject } from './claims.ts';
import { LEEWAY_MS } from './svid.ts';
import { claimsOf, type JsonObject, type OpenedToken, openToken, signatureOf } from './token.ts';
import { tokenRefused } from './token-refusal.ts';
import { checkSignature, chooseKey, type KeysOf, readHeader } from './verify.ts';
import { type HolderKey, readHolderKey } from './wit-key.ts';
import { WIT_TYPE } from './wit-mint.ts';

export interface WitSvidCheck {
  /** The WIT keys of a trust domain, or undefined where it is not trusted here. */
  readonly keysOf: KeysOf;
  /**
   * Did the presenter prove, for this very request and just now, that it holds this key? Called last, once, for a token that has passed
   * all else. Anything but `true` refuses; what it throws is passed on.
   */
  readonly provesPossession: (key: HolderKey) => boolean | Promise<boolean>;
  /** Milliseconds UTC. */
  readonly now: number;
  readonly leewayMs?: number;
}

export interface WitSvidClaims {
  readonly spiffeId: SpiffeId;
  /** Milliseconds UTC. */
  readonly expiresAt: number;
  /** Names the key in the bundle of its trust domain. */
  readonly kid: string;
  /** All of them, as they were written. */
  readonly claims: JsonObject;
}

/** Refuses with one reason for each rule (docs/errors.md) and with nothing out of the token. */
export async function checkWitSvid(token: string, check: WitSvidCheck): Promise<WitSvidClaims> {
  const opened = openToken(token);
  const { alg, holder, said } = readOpened(opened, check);
  checkSignature(opened, alg, chooseKey(check.keysOf, said.spiffeId.trustDomain, said.kid, 'WIT'));
  const proven: unknown = await check.provesPossession(holder);
  // guard: WIT-14 test/jwt/wit-svid.test.ts
  if (proven !== true) throw tokenRefused('WIT_NOT_PROVEN', 'whoever presents it has not proved to hold its key');
  return said;
}

/** What a token says of itself, for whoever got it with its key from its own daemon. It proves nothing about anybody. */
export function readOwnWitSvid(
  token: string,
  check: Pick<WitSvidCheck, 'now' | 'leewayMs'>,
): WitSvidClaims & { readonly holder: HolderKey } {
  const opened = openToken(token);
  const { holder, said } = readOpened(opened, check);
  signatureOf(opened);
  return { ...said, holder };
}

function readOpened(
  opened: OpenedToken,
  { now, leewayMs = LEEWAY_MS }: Pick<WitSvidCheck, 'now' | 'leewayMs'>,
): { readonly alg: JwsAlgorithm; readonly holder: HolderKey; readonly said: WitSvidClaims } {
  // WIT-01: as it is written, and never left out.
  const { alg, kid } = readHeader(opened.header, (typ) => typ === WIT_TYPE, `not ${WIT_TYPE}`);
  const claims = claimsOf(opened);
  const spiffeId = readSubject(claims);
  // guard: WIT-11 test/jwt/wit-svid.test.ts — it is for whoever asks for a proof, and none of the tokens that are for one audience
  if (claims.has('aud')) throw tokenRefused('WIT_AUDIENCE', 'it has an aud');
  // WIT-10: iat informs, and decides nothing.
  const { expiresAt } = checkTimes(claims, now, leewayMs, ['nbf']);
  const holder = readHolderKey(claims.get('cnf'));
  // guard: WIT-06 test/jwt/wit-svid.test.ts
  if (typeof holder === 'string') throw tokenRefused('WIT_HOLDER_KEY', holder);
  return { alg, holder, said: { spiffeId, expiresAt, kid, claims } };
}
