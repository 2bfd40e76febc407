// SPDX-License-Identifier: Apache-2.0
/** The JWT and WIT keys of our trust domain, and the JWT keys of others, as keys to verify with and as JWK sets for the wire. */
import { createPublicKey } from 'node:crypto';
import { TrustDomain } from '../identity/trust-domain.ts';
import { type JwtKey, type KeyUse, renderJwks } from '../jwt/key.ts';
import type { JwtKeyRecord } from '../store/records.ts';
import type { JwtRoom, Rooms, WitRoom } from './rooms.ts';

const read = new WeakMap<readonly JwtKeyRecord[], readonly JwtKey[]>();
const rendered = new WeakMap<readonly JwtKeyRecord[], Buffer>();

/** Undefined when the caller does not trust that trust domain, or it has no JWT keys (JWT-16). */
export function jwtKeysFor(
  { registry, authority }: Pick<Rooms, 'registry' | 'authority'>,
  jwt: JwtRoom,
  federatesWith: ReadonlySet<string>,
  trustDomain: TrustDomain,
): readonly JwtKey[] | undefined {
  const own = authority.bundle().trustDomain;
  // guard: JWT-13 test/issuance/jwt-desk.test.ts
  if (trustDomain.equals(own)) return keysOf(jwt.authority.keys());
  // guard: WAPI-27 test/issuance/jwt-desk.test.ts
  if (!federatesWith.has(trustDomain.name)) return undefined;
  const foreign = registry.foreignBundle(trustDomain.name);
  return foreign === undefined || foreign.jwtKeys.length === 0 ? undefined : keysOf(foreign.jwtKeys);
}

/** WAPI-25, WAPI-26: ours always, and those of the others that have a JWT key. By trust domain ID. */
export function jwtBundles(
  { registry, authority }: Pick<Rooms, 'registry' | 'authority'>,
  jwt: JwtRoom,
  federatesWith: ReadonlySet<string>,
): ReadonlyMap<string, Buffer> {
  const bundles = new Map([[authority.bundle().trustDomain.id, jwksOf(jwt.authority.keys())]]);
  for (const name of [...federatesWith].sort()) {
    const foreign = registry.foreignBundle(name);
    if (foreign === undefined || foreign.jwtKeys.length === 0) continue;
    bundles.set(TrustDomain.parse(name).id, jwksOf(foreign.jwtKeys));
  }
  return bundles;
}

/** WAPI-32: ours alone, by trust domain ID: of others no WIT keys are kept. */
export function witBundles({ authority }: Pick<Rooms, 'authority'>, wit: WitRoom): ReadonlyMap<string, Buffer> {
  return new Map([[authority.bundle().trustDomain.id, jwksOf(wit.authority.keys(), 'wit-svid')]]);
}

function keysOf(records: readonly JwtKeyRecord[]): readonly JwtKey[] {
  let keys = read.get(records);
  if (keys === undefined) {
    keys = records.map(({ kid, publicKey }) => ({
      kid,
      publicKey: createPublicKey({ key: publicKey, format: 'der', type: 'spki' }),
    }));
    read.set(records, keys);
  }
  return keys;
}

function jwksOf(records: readonly JwtKeyRecord[], use: KeyUse = 'jwt-svid'): Buffer {
  let bytes = rendered.get(records);
  if (bytes === undefined) {
    bytes = renderJwks(keysOf(records), use);
    rendered.set(records, bytes);
  }
  return bytes;
}
