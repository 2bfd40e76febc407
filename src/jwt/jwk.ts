// SPDX-License-Identifier: Apache-2.0
/**
 * Public keys as JWKs (RFC 7517, RFC 7518 section 6): written with nothing but the public members, and read from outside with
 * every member that counts checked before OpenSSL sees it. RSA, P-256, P-384 and P-521; no other key signs one of the nine.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { Failure } from '../lib/failure.ts';
import type { JsonValue } from '../lib/json-text.ts';
import { fromBase64url } from './base64url.ts';

export type PublicJwk =
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string };

/** Bytes of a coordinate (RFC 7518 section 6.2.1.2): at full length, zeros in front included (CLI-14). */
const COORDINATE_BYTES: ReadonlyMap<string, number> = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
]);
/** NIST SP 800-131A: nothing shorter. */
const RSA_BITS_MIN = 2048;
/** Verifying costs the square of it, and the key is another's (I9); Go's crypto/rsa has the same ceiling in TLS. */
const RSA_BITS_MAX = 8192;
/** As Go's crypto/rsa: larger ones only cost time. */
const EXPONENT_MAX = 2n ** 31n - 1n;
/** RFC 7518 sections 6.2.2 and 6.3.2. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/** Undefined for a key of a kind that signs no token of ours. */
export function publicJwkOf(key: KeyObject): PublicJwk | undefined {
  // guard: JWT-17 test/jwt/jwk.test.ts
  if (key.type !== 'public') throw new Failure('internal', 'SIGNER_UNFIT', 'a key to be published is not a public one');
  const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' });
  if (kty === 'EC' && COORDINATE_BYTES.has(crv ?? '')) return { kty, crv: crv ?? '', x: x ?? '', y: y ?? '' };
  return kty === 'RSA' ? { kty, n: n ?? '', e: e ?? '' } : undefined;
}

/** The key, or why it is of no use here, in words that end a sentence. Other members are tolerated (BUN-09). */
export function readPublicJwk(jwk: ReadonlyMap<string, JsonValue>): KeyObject | string {
  // guard: JWT-17 test/jwt/jwk.test.ts — whoever publishes a private key has lost it
  if (PRIVATE_MEMBERS.some((name) => jwk.has(name))) return 'it holds private members';
  const kty = jwk.get('kty');
  if (kty === 'EC') return readEc(jwk);
  if (kty === 'RSA') return readRsa(jwk);
  return kty === undefined ? 'it has no kty' : 'its kty is unknown';
}

function readEc(jwk: ReadonlyMap<string, JsonValue>): KeyObject | string {
  const crv = jwk.get('crv');
  const length = typeof crv === 'string' ? COORDINATE_BYTES.get(crv) : undefined;
  if (typeof crv !== 'string' || length === undefined) return 'its curve is none of P-256, P-384, P-521';
  const [x, y] = [jwk.get('x'), jwk.get('y')];
  // guard: CLI-14 test/jwt/jwk.test.ts — OpenSSL takes shorter and longer ones
  if (bytesOf(x)?.length !== length || bytesOf(y)?.length !== length) return 'its coordinates are not at full length';
  return importKey({ kty: 'EC', crv, x, y });
}

function readRsa(jwk: ReadonlyMap<string, JsonValue>): KeyObject | string {
  const [n, e] = [bytesOf(jwk.get('n')), bytesOf(jwk.get('e'))];
  if (n === undefined || e === undefined || n.length === 0 || e.length === 0) return 'its n or e is missing or broken';
  // RFC 7518 section 6.3.1.1: the fewest octets.
  if (n[0] === 0 || e[0] === 0) return 'its n or e begins with zeros';
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  // guard: JWT-14 test/jwt/jwk.test.ts
  if (bits < RSA_BITS_MIN) return `it has fewer than ${RSA_BITS_MIN} bits`;
  // guard: I9 test/jwt/jwk.test.ts
  if (bits > RSA_BITS_MAX) return `it has more than ${RSA_BITS_MAX} bits`;
  const exponent = e.length > 4 ? EXPONENT_MAX + 1n : BigInt(`0x${e.toString('hex')}`);
  // guard: JWT-14 test/jwt/jwk.test.ts — with an exponent of 1 anybody can sign
  if (exponent < 3n || exponent % 2n === 0n || exponent > EXPONENT_MAX) return 'its e is none to trust';
  return importKey({ kty: 'RSA', n: jwk.get('n'), e: jwk.get('e') });
}

function bytesOf(value: JsonValue | undefined): Buffer | undefined {
  return typeof value === 'string' ? fromBase64url(value) : undefined;
}

function importKey(jwk: Record<string, unknown>): KeyObject | string {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return 'it is no point of its curve, or no key at all';
  }
}
