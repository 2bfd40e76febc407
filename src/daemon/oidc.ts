// SPDX-License-Identifier: Apache-2.0
/** OpenID Connect discovery: `/.well-known/openid-configuration` and `/keys`, below the path of the issuer. */
import { createPublicKey } from 'node:crypto';
import type { DiscoveryFacts } from '../api/admin/deps.ts';
import type { PublishedBundle } from '../bundle/published.ts';
import type { Config } from '../config/config.ts';
import { cappedTtlMs } from '../config/lifetimes.ts';
import { bundleRoute } from '../https/bundle-route.ts';
import type { Route } from '../https/routes.ts';
import type { JwtKey } from '../jwt/key.ts';
import { discoveryDocument, type OidcOptions, oidcKeys } from '../jwt/oidc.ts';

/** By path; of the JWT keys that are in the bundle, so that a key is there before it signs (I6). */
export function oidcRoutes(options: OidcOptions, ownBundle: () => PublishedBundle): ReadonlyMap<string, Route> {
  const below = options.issuer.replace(/^https:\/\/[^/]+/, '');
  const route = (render: (keys: readonly JwtKey[]) => string): Route => {
    let last: { readonly text: string; readonly sequence: number } | undefined;
    return bundleRoute(() => {
      const { jwtKeys, sequence, refreshHintSeconds } = ownBundle();
      if (last?.sequence !== sequence) last = { text: render(jwtKeys.map(read)), sequence };
      return { text: last.text, refreshHintSeconds };
    });
  };
  return new Map([
    [`${below}/.well-known/openid-configuration`, route((keys) => discoveryDocument(keys, options))],
    [`${below}/keys`, route((keys) => oidcKeys(keys, options))],
  ]);
}

function read({ kid, publicKey }: PublishedBundle['jwtKeys'][number]): JwtKey {
  return { kid, publicKey: createPublicKey({ key: publicKey, format: 'der', type: 'spki' }) };
}

type Facts = Pick<Config, 'jwt' | 'workloadApi' | 'https' | 'svid' | 'ca'>;

/** Why these documents are not served, or an empty text. An SVID means nothing to whoever verifies by the web's authorities. */
export function whyUnserved({ jwt, workloadApi, https }: Omit<Facts, 'svid' | 'ca'>): string {
  if (jwt.issuer === undefined) return 'jwt.issuer is not set';
  if (!workloadApi.jwt) return 'workload_api.jwt is off';
  if (https === undefined) return 'there is no https.listen';
  return https.files === undefined ? 'the listener shows an SVID (federation.bundle_endpoint by https_spiffe)' : '';
}

/** `signer`: undefined where JWT-SVIDs are switched off; throws while no key signs. */
export function discoveryFacts(
  config: Facts,
  { jwtKeys, refreshHintSeconds }: PublishedBundle,
  signer: { active(): { readonly authorityId: string } } | undefined,
): DiscoveryFacts {
  return {
    issuer: config.jwt.issuer ?? '',
    unserved: whyUnserved(config),
    keySet: oidcKeys(jwtKeys.map(read), config.jwt),
    signingKid: signingKid(signer),
    tokenTtlMs: cappedTtlMs(config.svid.jwtTtlMs, config.ca.ttlMs),
    refreshHintSeconds,
  };
}

function signingKid(signer: { active(): { readonly authorityId: string } } | undefined): string {
  try {
    return signer?.active().authorityId ?? '';
  } catch {
    return '';
  }
}
