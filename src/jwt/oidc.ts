// SPDX-License-Identifier: Apache-2.0
/**
 * Our JWT keys for verifiers that know OpenID Connect and nothing of SPIFFE (OpenID Connect Discovery 1.0 section 3). It is a
 * rendering of its own: clouds want `use: sig` and `alg` on each key and refuse `x5c`, the SPIFFE bundle has neither.
 */
import type { KeyObject } from 'node:crypto';
import { Failure } from '../lib/failure.ts';
import type { JwsAlgorithm } from './algorithms.ts';
import { publicJwkOf } from './jwk.ts';
import type { JwtKey } from './key.ts';

export interface OidcOptions {
  /** Https, without a slash at its end; the `iss` of our tokens, character for character. */
  readonly issuer: string;
  /** RSA keys sign with PS256, and otherwise with RS256. */
  readonly pss: boolean;
}

const CURVES: ReadonlyMap<string, JwsAlgorithm> = new Map([
  ['prime256v1', 'ES256'],
  ['secp384r1', 'ES384'],
  ['secp521r1', 'ES512'],
]);

export function oidcKeys(keys: readonly JwtKey[], { pss }: Pick<OidcOptions, 'pss'>): string {
  const written = keys.map(({ kid, publicKey }) => {
    const jwk = publicJwkOf(publicKey);
    if (jwk === undefined) throw unpublishable(kid);
    const { kty, ...members } = jwk;
    return { kty, kid, use: 'sig', alg: algorithmOf(publicKey, pss), ...members };
  });
  return JSON.stringify({ keys: written });
}

/** `authorization_endpoint` is required and there is none: empty, as SPIRE has it (support/oidc-discovery-provider/handler.go). */
export function discoveryDocument(keys: readonly JwtKey[], { issuer, pss }: OidcOptions): string {
  // RS256 "MUST be included", whether or not a key here signs with it.
  const algorithms = new Set<JwsAlgorithm>(['RS256', ...keys.map(({ publicKey }) => algorithmOf(publicKey, pss))]);
  return JSON.stringify({
    issuer,
    jwks_uri: `${issuer}/keys`,
    authorization_endpoint: '',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...algorithms],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
  });
}

function algorithmOf(key: KeyObject, pss: boolean): JwsAlgorithm {
  const curve = CURVES.get(key.asymmetricKeyDetails?.namedCurve ?? '');
  return curve ?? (pss ? 'PS256' : 'RS256');
}

function unpublishable(kid: string): Failure {
  return new Failure('internal', 'JWKS_UNPUBLISHABLE', `the JWT key ${kid} is of a kind that signs no token`);
}
