// SPDX-License-Identifier: Apache-2.0
/**
 * The keys that vouch for the JWT-SVIDs or the WIT-SVIDs of one trust domain, and the JWK set in which the Workload API carries
 * them. That of JWT keys is a plain one (WAPI-25, WAPI-26): `kid` and the public key, and none of the members that only SPIFFE
 * knows; WIT keys keep their `use` (WAPI-32).
 */
import type { KeyObject } from 'node:crypto';
import { Failure } from '../lib/failure.ts';
import { type JsonValue, parseJsonText } from '../lib/json-text.ts';
import { publicJwkOf, readPublicJwk } from './jwk.ts';

export interface JwtKey {
  /** Opaque and case sensitive; unique among the keys of its trust domain. */
  readonly kid: string;
  readonly publicKey: KeyObject;
}

export interface ReadJwks {
  readonly keys: readonly JwtKey[];
  /** What was left out and why, for whoever wonders. */
  readonly ignored: readonly { readonly index: number; readonly reason: string }[];
}

/** A set with its keys is read for every message, so it has a ceiling (I9), that of a bundle document. */
const LARGEST_SET = 1024 * 1024;
const KID_MAX = 1024;
const JWT_USE = 'jwt-svid';
const WIT_USE = 'wit-svid';

export type KeyUse = typeof JWT_USE | typeof WIT_USE;

/** Throws when two keys share a kid or one cannot be published: what we serve is right or is not served. */
export function renderJwks(keys: readonly JwtKey[], use: KeyUse = JWT_USE): Buffer {
  // guard: CLI-13 test/jwt/key.test.ts — one key without a kid, and clients drop the whole map
  if (keys.some(({ kid }) => kid === '')) throw unpublishable('a key has no kid');
  // guard: JWT-15 test/jwt/key.test.ts
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) throw unpublishable('two keys have one kid');
  const written = keys.map(({ kid, publicKey }) => {
    const jwk = publicJwkOf(publicKey);
    if (jwk === undefined) throw unpublishable('a key is of a kind that signs no token');
    const { kty, ...members } = jwk;
    return use === WIT_USE ? { kty, kid, use, ...members } : { kty, kid, ...members };
  });
  return Buffer.from(JSON.stringify({ keys: written }));
}

/**
 * Lenient where the standard wants it: keys of a kind, or for a use, that is not ours are left out (BUN-07, BUN-08, WAPI-36).
 * A set that is none, or in which one kid means two keys, is refused whole.
 */
export function parseJwks(text: string, field: string, wanted: KeyUse = JWT_USE): ReadJwks {
  // guard: I9 test/jwt/key.test.ts
  if (text.length > LARGEST_SET) throw refused(field, `it is larger than ${LARGEST_SET} bytes`);
  const set = parseJsonText(text, field);
  const found: unknown = set instanceof Map ? set.get('keys') : undefined;
  // guard: BUN-01 test/jwt/key.test.ts
  if (!Array.isArray(found)) throw refused(field, 'it has no `keys` array');
  const keys = new Map<string, JwtKey>();
  const ignored: { index: number; reason: string }[] = [];
  for (const [index, item] of (found as readonly JsonValue[]).entries()) {
    const key = readOne(item, wanted);
    if (typeof key === 'string') ignored.push({ index, reason: key });
    // guard: JWT-13 test/jwt/key.test.ts — which key a kid names must not depend on their order
    else if (keys.has(key.kid)) throw refused(`${field} keys[${index}]`, 'its kid is that of another key');
    else keys.set(key.kid, key);
  }
  return { keys: [...keys.values()], ignored };
}

function readOne(item: JsonValue, wanted: KeyUse): JwtKey | string {
  if (!(item instanceof Map)) return 'it is not a JSON object';
  const use: unknown = item.get('use');
  const isStock = use === undefined && wanted === JWT_USE;
  // guard: WAPI-36 test/jwt/key.test.ts — stock sets name no use, SPIFFE's name theirs
  if (!isStock && use !== wanted) return 'it is for another use';
  return readJwtKey(item);
}

/** One JWK whose use was looked at: the key, or why it is of no use. */
export function readJwtKey(jwk: ReadonlyMap<string, JsonValue>): JwtKey | string {
  const kid = jwk.get('kid');
  // guard: JWT-15 test/jwt/key.test.ts
  if (typeof kid !== 'string' || kid === '') return 'it has no kid';
  if (kid.length > KID_MAX) return `its kid is longer than ${KID_MAX} characters`;
  const publicKey = readPublicJwk(jwk);
  return typeof publicKey === 'string' ? publicKey : { kid, publicKey };
}

function refused(field: string, reason: string): Failure {
  return new Failure('invalid-argument', 'BUNDLE_INVALID', `${field} is refused: ${reason}`, {
    field,
    hint: 'give the JWK set of that trust domain',
  });
}

function unpublishable(what: string): Failure {
  return new Failure('internal', 'JWKS_UNPUBLISHABLE', what);
}
