// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toDer, toRaw } from '../../src/jwt/ecdsa-signature.ts';
import { Failure } from '../../src/lib/failure.ts';
import { refusalOf } from '../support/refusal.ts';

const input = Buffer.from('header.payload');

describe('an ECDSA signature', () => {
  it.each([
    ['P-256', 32],
    ['P-384', 48],
    ['P-521', 66],
  ])('JWT-20: of %s goes from DER to R and S and back, as node:crypto reads both', (namedCurve, half) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    for (let round = 0; round < 50; round++) {
      const der = sign('sha256', input, privateKey);
      const raw = toRaw(der, half);
      expect(raw).toHaveLength(2 * half);
      expect(toDer(raw).equals(der)).toBe(true);
      expect(verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw)).toBe(true);
    }
  });

  it('JWT-20: has any numbers, zero too', () => {
    fc.assert(
      fc.property(fc.constantFrom(32, 48, 66), fc.uint8Array({ minLength: 132, maxLength: 132 }), (half, bytes) => {
        const raw = Buffer.from(bytes.subarray(0, 2 * half));
        raw.fill(0, 0, (bytes[0] ?? 0) % (half + 1));
        raw.fill(0, half, half + ((bytes[1] ?? 0) % (half + 1)));
        expect(toRaw(toDer(raw), half).equals(raw)).toBe(true);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['one number', '3003020101'],
    ['three numbers', '3009020101020101020101'],
    ['another tag', '3106020101020101'],
    ['a number of another tag', '3006030101020101'],
    ['an empty number', '30050200020101'],
    ['a length that is too long', '3007020101020101'],
    ['a length that is too short', '3005020101020101'],
    ['a byte behind it', '300602010102010100'],
    ['a number that ends too late', '3006020101020201'],
    ['a number of more than half', `3026${`0221${'01'.repeat(33)}`}020101`],
  ])('JWT-20: with %s in DER is refused', (_, hex) => {
    expect(refusalOf(() => toRaw(Buffer.from(hex, 'hex'), 32)).reason).toBe('SIGNER_UNFIT');
  });

  it('is refused or read whatever the signer gave', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          expect(toRaw(Buffer.from(bytes), 32)).toHaveLength(64);
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
        }
      }),
    );
  });
});
