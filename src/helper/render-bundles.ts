// SPDX-License-Identifier: Apache-2.0
/** Bundles as files: JWK sets, and SPIFFE bundle documents. */
import { renderSpiffeBundle } from '../bundle/document.ts';
import type { Bundles } from '../client/bundle-state.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { type JwtKey, renderJwks } from '../jwt/key.ts';
import type { JwtBundleOutput } from './settings.ts';

/** Undefined: the daemon gave no bundle of that trust domain. */
export function renderJwtBundle(bundles: Bundles<JwtKey>, { trustDomain }: JwtBundleOutput): Buffer | undefined {
  if (trustDomain !== undefined) {
    const keys = bundles.get(trustDomain.name);
    return keys === undefined ? undefined : renderJwks(keys);
  }
  // As WriteJWTBundleSet of spiffe-helper (pkg/disk/json.go): names in order, each set in base64.
  const members = [...bundles]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, keys]) => `${JSON.stringify(name)}:${JSON.stringify(renderJwks(keys).toString('base64'))}`);
  return Buffer.from(`{${members.join(',')}}`);
}

/** Undefined: as above. A trust domain may have one kind of key and not the other. */
export function renderSpiffeDocument(
  x509: Bundles<Buffer>,
  jwt: Bundles<JwtKey>,
  { name }: TrustDomain,
): Buffer | undefined {
  const certificates = x509.get(name);
  const keys = jwt.get(name);
  if (certificates === undefined && keys === undefined) return undefined;
  const jwtKeys = (keys ?? []).map(({ kid, publicKey }) => ({
    kid,
    publicKey: publicKey.export({ format: 'der', type: 'spki' }),
  }));
  return Buffer.from(renderSpiffeBundle({ certificates: certificates ?? [], jwtKeys }));
}
