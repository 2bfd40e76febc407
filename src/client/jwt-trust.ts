// SPDX-License-Identifier: Apache-2.0
/** Checks a JWT-SVID here, without asking anybody: with the keys that a source holds now. */
import type { SpiffeId } from '../identity/spiffe-id.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import type { JwtKey } from '../jwt/key.ts';
import { type Plain, plainObject } from '../jwt/plain.ts';
import { checkJwtSvid } from '../jwt/svid.ts';

/** Who knows the JWT keys of trust domains; BundleSource and JwtSource do. */
export interface JwtTrust {
  /** Undefined where the trust domain is not trusted here; throws when nothing is known at present. */
  jwtKeysOf(trustDomain: TrustDomain | string): readonly JwtKey[] | undefined;
}

export interface ValidateOptions {
  /** Your own name. One of the token's audiences must be it, character for character. */
  readonly audience: string;
  readonly source: JwtTrust;
  /** Milliseconds UTC; the clock unless told. */
  readonly now?: number;
  /** For clocks that differ; one minute unless told. */
  readonly leewayMs?: number;
}

/** Who a token speaks for. It is a bearer token: whoever has it can show it, until it expires. */
export interface JwtPeer {
  readonly spiffeId: SpiffeId;
  readonly audiences: readonly string[];
  /** Milliseconds UTC. */
  readonly expiresAt: number;
  /** All claims; the objects have no prototype. */
  readonly claims: { readonly [name: string]: Plain };
}

/** Throws a Failure whose reason says which rule was broken, and which holds nothing of the token. */
export function validateJwtSvid(token: string, options: ValidateOptions): JwtPeer {
  const { audience, source, now = Date.now(), leewayMs } = options;
  const { spiffeId, audiences, expiresAt, claims } = checkJwtSvid(token, {
    audience,
    now,
    keysOf: (trustDomain) => source.jwtKeysOf(trustDomain),
    ...(leewayMs === undefined ? {} : { leewayMs }),
  });
  return { spiffeId, audiences, expiresAt, claims: plainObject(claims) };
}

export const nameOf = (trustDomain: TrustDomain | string): string =>
  trustDomain instanceof TrustDomain ? trustDomain.name : TrustDomain.parse(trustDomain).name;
