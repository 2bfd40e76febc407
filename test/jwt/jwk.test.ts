// SPDX-License-Identifier: Apache-2.0
import { createECDH, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { publicJwkOf, readPublicJwk } from '../../src/jwt/jwk.ts';
import { type JsonValue, parseJsonText } from '../../src/lib/json-text.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { refusalOf } from '../support/refusal.ts';

const read = (jwk: object): KeyObject | string =>
  readPublicJwk(parseJsonText(JSON.stringify(jwk), 'jwk') as ReadonlyMap<string, JsonValue>);
const ec = publicJwkOf(newJwtKey('ES256').publicKey) as unknown as Record<string, string>;
const rsa = publicJwkOf(newJwtKey('RS256').publicKey) as unknown as Record<string, string>;
const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');

describe('a JWK', () => {
  it.each(['ES256', 'ES384', 'ES512', 'RS256'] as const)('of %s: is read back as the key it was', (alg) => {
    const { publicKey } = newJwtKey(alg);
    const key = read(publicJwkOf(publicKey)!);
    expect(typeof key !== 'string' && key.equals(publicKey)).toBe(true);
  });

  it('CLI-14: has coordinates at full length, also when one begins with a zero byte', () => {
    const { jwk, publicKey } = keyWithLeadingZero();
    expect(bytes((jwk as { x: string }).x)).toHaveLength(32);
    expect(bytes((jwk as { x: string }).x)[0]).toBe(0);
    const key = read(jwk);
    expect(typeof key !== 'string' && key.equals(publicKey)).toBe(true);
  });

  it('CLI-14: with a coordinate shorter or longer than the curve’s is refused, though OpenSSL reads it', () => {
    const { jwk } = keyWithLeadingZero();
    const { x } = jwk as { x: string };
    const short = { ...jwk, x: b64(bytes(x).subarray(1)) };
    const long = { ...jwk, x: b64(Buffer.concat([Buffer.alloc(1), bytes(x)])) };
    expect(createPublicKey({ key: short, format: 'jwk' }).type).toBe('public');
    for (const wrong of [short, long]) expect(read(wrong)).toBe('its coordinates are not at full length');
  });

  it('JWT-17: is never made of a private key', () => {
    const { privateKey } = newJwtKey('ES256');
    expect(refusalOf(() => publicJwkOf(privateKey)).message).toContain('not a public one');
    for (const alg of ['ES256', 'RS256'] as const)
      expect(Object.keys(publicJwkOf(newJwtKey(alg).publicKey)!).sort()).toEqual(
        alg === 'ES256' ? ['crv', 'kty', 'x', 'y'] : ['e', 'kty', 'n'],
      );
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])('JWT-17: with the private member %s is refused', (name) => {
    expect(read({ ...rsa, [name]: 'AQAB' })).toBe('it holds private members');
  });

  it('is not made of a key that signs none of the nine', () => {
    expect(publicJwkOf(generateKeyPairSync('ed25519').publicKey)).toBeUndefined();
    expect(publicJwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)).toBeUndefined();
  });

  it.each([
    ['of no kty', { ...ec, kty: undefined }, 'no kty'],
    ['of another kty', { ...ec, kty: 'OKP', crv: 'Ed25519' }, 'its kty is unknown'],
    ['that is a shared secret', { kty: 'oct' }, 'its kty is unknown'],
    ['of a kty in another case', { ...ec, kty: 'ec' }, 'its kty is unknown'],
    ['of secp256k1', { ...ec, crv: 'secp256k1' }, 'its curve is none of'],
    ['of no curve', { ...ec, crv: undefined }, 'its curve is none of'],
    ['of a curve as a list', { ...ec, crv: ['P-256'] }, 'its curve is none of'],
    ['of another curve’s length', { ...ec, crv: 'P-384' }, 'not at full length'],
    ['without y', { ...ec, y: undefined }, 'not at full length'],
    ['with x as a number', { ...ec, x: 1 }, 'not at full length'],
    ['with padding', { ...ec, x: `${ec['x']}=` }, 'not at full length'],
    ['off its curve', { ...ec, y: b64(Buffer.alloc(32, 1)) }, 'no point of its curve'],
    ['of RSA without n', { ...rsa, n: undefined }, 'n or e is missing'],
    ['of RSA with an empty e', { ...rsa, e: '' }, 'n or e is missing'],
    ['of RSA with zeros before n', { ...rsa, n: b64(Buffer.concat([Buffer.alloc(1), bytes(rsa['n'])])) }, 'zeros'],
    ['of RSA with zeros before e', { ...rsa, e: 'AAEAAQ' }, 'zeros'],
    ['JWT-14: of RSA with 1024 bits', { ...rsa, n: b64(Buffer.alloc(128, 0xff)) }, 'fewer than 2048 bits'],
    ['JWT-14: of RSA with 2047 bits', { ...rsa, n: b64(Buffer.alloc(256, 0x7f)) }, 'fewer than 2048 bits'],
    ['I9: of RSA with 8200 bits', { ...rsa, n: b64(Buffer.alloc(1025, 0xff)) }, 'more than 8192 bits'],
    ['JWT-14: of RSA with e = 1, under which anybody can sign', { ...rsa, e: 'AQ' }, 'its e is none to trust'],
    ['JWT-14: of RSA with an even e', { ...rsa, e: b64(Uint8Array.of(4)) }, 'its e is none to trust'],
    ['JWT-14: of RSA with e = 2^31 + 1', { ...rsa, e: 'gAAAAQ' }, 'its e is none to trust'],
    ['JWT-14: of RSA with an e of 2048 bits', { ...rsa, e: rsa['n'] }, 'its e is none to trust'],
  ])('%s is of no use', (_, jwk, reason) => {
    expect(read(jwk)).toContain(reason);
  });

  it('BUN-09: may hold members that nobody knows', () => {
    expect(typeof read({ ...ec, use: 'jwt-svid', alg: 'ES256', ['__proto__']: 1, colour: { a: [null] } })).toBe(
      'object',
    );
  });
});

/** One key in 256 has it: a scalar is counted up until its point does. */
function keyWithLeadingZero(): { readonly jwk: object; readonly publicKey: KeyObject } {
  const ecdh = createECDH('prime256v1');
  for (let scalar = 1; ; scalar++) {
    const secret = Buffer.alloc(32);
    secret.writeUInt32BE(scalar, 28);
    ecdh.setPrivateKey(secret);
    const point = ecdh.getPublicKey();
    if (point[1] !== 0) continue;
    const raw = { kty: 'EC', crv: 'P-256', x: b64(point.subarray(1, 33)), y: b64(point.subarray(33)) };
    const publicKey = createPublicKey({ key: raw, format: 'jwk' });
    return { jwk: publicJwkOf(publicKey)!, publicKey };
  }
}
