// SPDX-License-Identifier: Apache-2.0
/**
 * The key that the holder of a WIT-SVID proves to have: made for it, told to it as a private JWK, and named in its token by the
 * public half of that. Both name the algorithm, which Node's JWKs do not (WIT-07).
 */
import { createPrivateKey, createPublicKey, generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { JsonValue } from '../lib/json-text.ts';
import { fitsAlgorithm, isJwsAlgorithm, type JwsAlgorithm, signJws, verifyJws } from './algorithms.ts';
import { type PublicJwk, publicJwkOf, readPublicJwk } from './jwk.ts';

export type HolderKeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-4096';

/** A public key and the one algorithm that it signs with. */
export type HolderJwk = PublicJwk & { readonly alg: JwsAlgorithm };

export interface NewHolderKey {
  readonly publicJwk: HolderJwk;
  /** JSON text (RFC 7517). A secret. */
  readonly privateJwk: string;
}

/** What a token says of its holder's key. */
export interface HolderKey {
  readonly alg: JwsAlgorithm;
  readonly publicKey: KeyObject;
  /** Whether the holder signed this: a JWS signature (RFC 7518 section 3), raw R and S for ECDSA. */
  signed(input: Buffer, signature: Buffer): boolean;
}

/** RSA keys sign with PS256 where `pss` says so, and otherwise with RS256. They are made off the loop; an EC key takes 50 µs. */
export async function newHolderKey(type: HolderKeyType, pss: boolean): Promise<NewHolderKey> {
  const rsa = pss ? 'PS256' : 'RS256';
  switch (type) {
    case 'ec-p256':
      return holderKeyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'ES256');
    case 'ec-p384':
      return holderKeyOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey, 'ES384');
    case 'rsa-2048':
      return holderKeyOf(await newRsaKey(2048), rsa);
    case 'rsa-4096':
      return holderKeyOf(await newRsaKey(4096), rsa);
  }
}

function newRsaKey(modulusLength: number): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    generateKeyPair('rsa', { modulusLength }, (error, _, privateKey) => (error ? reject(error) : resolve(privateKey)));
  });
}

function holderKeyOf(privateKey: KeyObject, alg: JwsAlgorithm): NewHolderKey {
  const publicJwk = { ...(publicJwkOf(createPublicKey(privateKey)) as PublicJwk), alg };
  const privateJwk = JSON.stringify({ ...privateKey.export({ format: 'jwk' }), alg });
  return { publicJwk, privateJwk };
}

/** WIT-06, WIT-07: the key out of `cnf.jwk`, or why it is of no use, in words that end a sentence. */
export function readHolderKey(cnf: JsonValue | undefined): HolderKey | string {
  const jwk: unknown = cnf instanceof Map ? cnf.get('jwk') : undefined;
  // guard: WIT-06 test/jwt/wit-svid.test.ts
  if (!(jwk instanceof Map)) return 'it has no cnf.jwk';
  const publicKey = readPublicJwk(jwk);
  if (typeof publicKey === 'string') return `its cnf.jwk is of no use: ${publicKey}`;
  const alg: unknown = jwk.get('alg');
  // guard: WIT-07 test/jwt/wit-svid.test.ts
  if (!isJwsAlgorithm(alg)) return 'its cnf.jwk has no alg of the nine';
  // guard: WIT-07 test/jwt/wit-svid.test.ts
  if (!fitsAlgorithm(alg, publicKey)) return 'the alg of its cnf.jwk is not one of that key';
  return { alg, publicKey, signed: (input, signature) => verifyJws(alg, publicKey, input, signature) };
}

/** The private half, as the daemon gave it, if it is that: JSON text of a JWK whose public key and algorithm are `holder`'s (WAPI-31). */
export function readPrivateJwk(text: string, holder: HolderKey): HolderSigner | string {
  try {
    const jwk = JSON.parse(text) as { readonly alg?: unknown };
    const privateKey = createPrivateKey({ key: jwk as never, format: 'jwk' });
    // guard: CLI-16 test/jwt/wit-key.test.ts
    if (!createPublicKey(privateKey).equals(holder.publicKey)) return 'it is not the key that the token names';
    // guard: CLI-16 test/jwt/wit-key.test.ts
    if (jwk.alg !== undefined && jwk.alg !== holder.alg) return 'its alg is not the one that the token names';
    return { privateKey, sign: (input) => signJws(holder.alg, privateKey, input) };
  } catch {
    // What Node says of it could show a piece of it (I10).
    return 'it is no private JWK';
  }
}

export interface HolderSigner {
  readonly privateKey: KeyObject;
  /** A JWS signature by the algorithm that the token names. */
  sign(input: Buffer): Buffer | Promise<Buffer>;
}
