// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { fitsAlgorithm, isJwsAlgorithm, JWS_ALGORITHMS, signJws, verifyJws } from '../../src/jwt/algorithms.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { refusalOf } from '../support/refusal.ts';

const keys = new Map(JWS_ALGORITHMS.map((alg) => [alg, newJwtKey(alg)]));
const input = Buffer.from('header.payload');

describe('the nine algorithms', () => {
  it('JWT-02: are nine, each under its own name alone', () => {
    expect(JWS_ALGORITHMS).toHaveLength(9);
    for (const alg of JWS_ALGORITHMS) {
      expect(isJwsAlgorithm(alg)).toBe(true);
      expect(isJwsAlgorithm(alg.toLowerCase())).toBe(false);
    }
    for (const name of ['none', 'HS256', 'EdDSA', 'ES256K', '', ' ES256', undefined, null, ['ES256']])
      expect(isJwsAlgorithm(name)).toBe(false);
  });

  it.each(JWS_ALGORITHMS)('%s: verifies what it signed, and nothing that differs by a bit', async (alg) => {
    const { privateKey, publicKey } = keys.get(alg)!;
    const signature = await signJws(alg, privateKey, input);
    expect(verifyJws(alg, publicKey, input, signature)).toBe(true);
    expect(verifyJws(alg, publicKey, Buffer.from('header.payloae'), signature)).toBe(false);
    signature[signature.length - 1]! ^= 1;
    expect(verifyJws(alg, publicKey, input, signature)).toBe(false);
  });

  it('JWT-14: each takes the keys that fit it and no others', async () => {
    for (const alg of JWS_ALGORITHMS) {
      for (const [other, { privateKey, publicKey }] of keys) {
        const fits = alg === other || (!alg.startsWith('ES') && !other.startsWith('ES'));
        expect(fitsAlgorithm(alg, publicKey)).toBe(fits);
        if (fits) await signJws(alg, privateKey, input);
        else expect(refusalOf(() => signJws(alg, privateKey, input)).reason).toBe('SIGNER_UNFIT');
      }
    }
  });

  it('JWT-14: a signature under a curve that is not the algorithm’s does not verify, though OpenSSL would verify it', () => {
    for (const namedCurve of ['P-384', 'secp256k1']) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      const signature = sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      expect(verifyJws('ES256', publicKey, input, signature)).toBe(false);
    }
  });

  it.each([
    ['ed25519', generateKeyPairSync('ed25519').publicKey],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey],
    ['rsa-pss', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey],
  ] as [string, KeyObject][])('JWT-14: a key of the kind %s fits none', (_, publicKey) => {
    expect(JWS_ALGORITHMS.filter((alg) => fitsAlgorithm(alg, publicKey))).toEqual([]);
  });

  it('JWT-20: ECDSA signatures are R and S side by side, and DER is not taken for one', async () => {
    for (const [alg, length] of [
      ['ES256', 64],
      ['ES384', 96],
      ['ES512', 132],
    ] as const) {
      const { privateKey, publicKey } = keys.get(alg)!;
      expect(await signJws(alg, privateKey, input)).toHaveLength(length);
      const der = sign(`sha${alg.slice(2)}`, input, privateKey);
      expect(verifyJws(alg, publicKey, input, der)).toBe(false);
    }
  });

  it('JWT-20: a signature with zeros before R and S is another spelling, and does not verify', async () => {
    for (const alg of ['ES256', 'ES384', 'ES512'] as const) {
      const { privateKey, publicKey } = keys.get(alg)!;
      const signature = await signJws(alg, privateKey, input);
      const half = signature.length / 2;
      const zero = Buffer.alloc(1);
      const longer = Buffer.concat([zero, signature.subarray(0, half), zero, signature.subarray(half)]);
      expect(verifyJws(alg, publicKey, input, longer)).toBe(false);
    }
  });

  it('a signature of the wrong length, or none, does not verify and does not throw', () => {
    for (const [alg, { publicKey }] of keys) {
      for (const length of [0, 1, 63, 65, 256, 1024])
        expect(verifyJws(alg, publicKey, input, Buffer.alloc(length))).toBe(false);
    }
  });
});
