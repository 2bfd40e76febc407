// SPDX-License-Identifier: Apache-2.0
/** OpenID Connect discovery: `/.well-known/openid-configuration` and `/keys`, below the path of the issuer. */
import { createPublicKey } from 'node:crypto';
import type { PublishedBundle } from '../bundle/published.ts';
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
