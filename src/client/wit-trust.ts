// SPDX-License-Identifier: Apache-2.0
/** Checks a WIT-SVID and the proof that comes with it, without asking anybody: with the keys that a source holds now. */
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { JwtKey } from '../jwt/key.ts';
import { type Plain, plainObject } from '../jwt/plain.ts';
import type { HolderKey } from '../jwt/wit-key.ts';
import { checkWitSvid } from '../jwt/wit-svid.ts';

/** Who knows the WIT keys of trust domains; BundleSource does. */
export interface WitTrust {
  /** Undefined where the trust domain is not trusted here; throws when nothing is known at present. */
  witKeysOf(trustDomain: TrustDomain | string): readonly JwtKey[] | undefined;
}

export interface WitValidateOptions {
  readonly source: WitTrust;
  /**
   * Did the presenter prove, for this very request and just now, that it holds this key? By a WIMSE proof token or an HTTP message
   * signature, say; `key.signed(input, signature)` verifies. Called last; anything but `true` refuses.
   */
  readonly provesPossession: (key: HolderKey) => boolean | Promise<boolean>;
  /** Milliseconds UTC; the clock unless told. */
  readonly now?: number;
  /** For clocks that differ; one minute unless told. */
  readonly leewayMs?: number;
}

/** Who presented the token and holds its key. */
export interface WitPeer {
  readonly spiffeId: SpiffeId;
  /** Milliseconds UTC. */
  readonly expiresAt: number;
  /** All claims; the objects have no prototype. */
  readonly claims: { readonly [name: string]: Plain };
}

/** Rejects with a Failure whose reason says which rule was broken, and which holds nothing of the token. */
export async function validateWitSvid(token: string, options: WitValidateOptions): Promise<WitPeer> {
  const { source, provesPossession, now = Date.now(), leewayMs } = options;
  const { spiffeId, expiresAt, claims } = await checkWitSvid(token, {
    now,
    provesPossession,
    keysOf: (trustDomain) => source.witKeysOf(trustDomain),
    ...(leewayMs === undefined ? {} : { leewayMs }),
  });
  return { spiffeId, expiresAt, claims: plainObject(claims) };
}
