// SPDX-License-Identifier: Apache-2.0
/**
 * The nine signature algorithms that a JWT-SVID may name (JWT-SVID section 2.1; RFC 7518 section 3.1): never `none`, never a
 * shared secret, never another curve. Each knows the key that fits it, so that a token cannot choose how a key is read.
 */
import { constants, type KeyObject, sign, verify } from 'node:crypto';
import { Failure } from '../lib/failure.ts';
import { toDer, toRaw } from './ecdsa-signature.ts';

export type JwsAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'ES256' | 'ES384' | 'ES512' | 'PS256' | 'PS384' | 'PS512';

interface Scheme {
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  /** OpenSSL's name; undefined for RSA. */
  readonly curve?: string;
  /** Bytes of R and S side by side (RFC 7518 section 3.4); as long as the modulus for RSA. */
  readonly signatureBytes?: number;
  /** How node:crypto is told of the scheme. PSS: the salt is as long as the hash (RFC 7518 section 3.5). */
  readonly options: { readonly padding?: number; readonly saltLength?: number };
}

const PKCS1 = { padding: constants.RSA_PKCS1_PADDING } as const;
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } as const;

const SCHEMES: ReadonlyMap<string, Scheme> = new Map<JwsAlgorithm, Scheme>([
  ['RS256', { hash: 'sha256', options: PKCS1 }],
  ['RS384', { hash: 'sha384', options: PKCS1 }],
  ['RS512', { hash: 'sha512', options: PKCS1 }],
  ['ES256', { hash: 'sha256', curve: 'prime256v1', signatureBytes: 64, options: {} }],
  ['ES384', { hash: 'sha384', curve: 'secp384r1', signatureBytes: 96, options: {} }],
  ['ES512', { hash: 'sha512', curve: 'secp521r1', signatureBytes: 132, options: {} }],
  ['PS256', { hash: 'sha256', options: PSS }],
  ['PS384', { hash: 'sha384', options: PSS }],
  ['PS512', { hash: 'sha512', options: PSS }],
]);

export const JWS_ALGORITHMS = [...SCHEMES.keys()] as readonly JwsAlgorithm[];

/** True of the nine names, as they are written and no other way. */
export function isJwsAlgorithm(name: unknown): name is JwsAlgorithm {
  return typeof name === 'string' && SCHEMES.has(name);
}

/** JWT-14: RSA for RS and PS, and for each ES its own curve. */
export function fitsAlgorithm(alg: JwsAlgorithm, key: KeyObject): boolean {
  const { curve } = schemeOf(alg);
  if (curve === undefined) return key.asymmetricKeyType === 'rsa';
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve;
}

/** How long a signature of `alg` is, where the algorithm alone says so. */
export function signatureBytesOf(alg: JwsAlgorithm): number | undefined {
  return schemeOf(alg).signatureBytes;
}

/** RSA takes a millisecond and more, so it signs off the event loop; EC takes microseconds. */
export function signJws(alg: JwsAlgorithm, privateKey: KeyObject, input: Buffer): Buffer | Promise<Buffer> {
  // guard: JWT-14 test/jwt/algorithms.test.ts — node:crypto would sign ES256 with P-384
  if (!fitsAlgorithm(alg, privateKey)) throw unfit(alg);
  const { hash, signatureBytes, options } = schemeOf(alg);
  const key = { key: privateKey, ...options };
  if (signatureBytes !== undefined) return toRaw(sign(hash, input, privateKey), signatureBytes / 2);
  return new Promise((resolve, reject) => {
    sign(hash, input, key, (error, signature) => (error === null ? resolve(signature) : reject(error)));
  });
}

/** False as well when the key is none for this algorithm. */
export function verifyJws(alg: JwsAlgorithm, publicKey: KeyObject, input: Buffer, signature: Buffer): boolean {
  // guard: JWT-14 test/jwt/algorithms.test.ts
  if (!fitsAlgorithm(alg, publicKey)) return false;
  const { hash, signatureBytes, options } = schemeOf(alg);
  if (signatureBytes === undefined) return verify(hash, input, { key: publicKey, ...options }, signature);
  // guard: JWT-20 test/jwt/algorithms.test.ts — shorter or longer ones have another spelling of the same numbers
  if (signature.length !== signatureBytes) return false;
  return verify(hash, input, publicKey, toDer(signature));
}

function schemeOf(alg: JwsAlgorithm): Scheme {
  return SCHEMES.get(alg) as Scheme;
}

function unfit(alg: JwsAlgorithm): Failure {
  return new Failure('internal', 'SIGNER_UNFIT', `the key is none for ${alg}`);
}
