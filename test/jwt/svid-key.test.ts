// SPDX-License-Identifier: Apache-2.0
import { sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type JwtKey, parseJwks, renderJwks } from '../../src/jwt/key.ts';
import { newJwtKey, part } from '../support/jwt-keys.ts';
import { accepted, check, goodClaims, key, refusalOfToken, refusedWith, tokenWith } from './checked.ts';

const a = newJwtKey('ES256', 'ka');
const b = newJwtKey('ES256', 'kb');
const worlds = new Map<string, readonly JwtKey[]>([
  ['td-a', [a]],
  ['td-b', [b]],
  ['empty', []],
]);
const keysOf = (domain: { readonly name: string }): readonly JwtKey[] | undefined => worlds.get(domain.name);

describe('the key', () => {
  it('JWT-13: comes from the bundle of the trust domain in sub', async () => {
    for (const [name, by] of [
      ['td-a', a],
      ['td-b', b],
    ] as const) {
      const change = { header: { kid: by.kid }, claims: { sub: `spiffe://${name}/x` }, by };
      expect((await accepted(change, { keysOf })).spiffeId.trustDomain.name).toBe(name);
    }
  });

  it('JWT-13: of another trust domain vouches for nobody, though both are trusted', async () => {
    const claims = { sub: 'spiffe://td-b/x' };
    expect((await refusedWith({ header: { kid: 'ka' }, claims, by: a }, { keysOf })).reason).toBe('JWT_KEY_UNKNOWN');
    expect((await refusedWith({ header: { kid: 'kb' }, claims, by: a }, { keysOf })).reason).toBe('JWT_SIGNATURE');
  });

  it('JWT-13: WAPI-36: for WIT-SVIDs vouches for no JWT-SVID', async () => {
    const wit = newJwtKey('ES256', 'w');
    const document = JSON.parse(renderJwks([key, wit]).toString()) as { keys: object[] };
    const set = JSON.stringify({ keys: [document.keys[0], { ...document.keys[1], use: 'wit-svid' }] });
    const { keys } = parseJwks(set, 'bundle');
    await accepted({}, { keysOf: () => keys });
    expect((await refusedWith({ header: { kid: 'w' }, by: wit }, { keysOf: () => keys })).reason).toBe(
      'JWT_KEY_UNKNOWN',
    );
  });

  it.each(['unknown', 'empty', '__proto__', 'constructor'])('JWT-16: of the trust domain %j is none', async (name) => {
    const failure = await refusedWith({ claims: { sub: `spiffe://${name}/x` } }, { keysOf });
    expect(failure).toMatchObject({ reason: 'JWT_UNTRUSTED', message: expect.stringContaining(`spiffe://${name}`) });
  });

  it('BUN-02: that is gone from the bundle vouches no more', async () => {
    await accepted({}, { keysOf: () => [key] });
    expect((await refusedWith({}, { keysOf: () => [] })).reason).toBe('JWT_UNTRUSTED');
  });

  it('JWT-13: signed what stands there, to the last bit', async () => {
    const [header, , signature] = (await tokenWith()).split('.');
    const other = `${header}.${part({ ...goodClaims, sub: 'spiffe://td/admin' })}.${signature}`;
    expect(refusalOfToken(other).reason).toBe('JWT_SIGNATURE');
  });

  it.each([
    ['ES256', 'ES384'],
    ['ES256', 'RS256'],
    ['ES512', 'ES256'],
    ['RS256', 'ES256'],
    ['PS256', 'ES256'],
  ] as const)('JWT-14: %s in the header does not fit a key for %s', async (alg, type) => {
    const by = newJwtKey(type, 'k1');
    const failure = await refusedWith({ header: { alg }, by }, { keysOf: () => [by] });
    expect(failure.reason).toBe('JWT_KEY_UNFIT');
  });

  it('JWT-14: an ES256 token that P-384 signed with SHA-256 is refused', () => {
    const p384 = newJwtKey('ES384', 'k1');
    const input = `${part({ alg: 'ES256', kid: 'k1' })}.${part(goodClaims)}`;
    const signature = sign('sha256', Buffer.from(input), { key: p384.privateKey, dsaEncoding: 'ieee-p1363' });
    expect(refusalOfToken(`${input}.${signature.toString('base64url')}`, { keysOf: () => [p384] }).reason).toBe(
      'JWT_KEY_UNFIT',
    );
  });

  it('JWT-20: a signature in DER is refused', () => {
    const input = `${part({ alg: 'ES256', kid: 'k1' })}.${part(goodClaims)}`;
    const der = sign('sha256', Buffer.from(input), key.privateKey).toString('base64url');
    expect(refusalOfToken(`${input}.${der}`, check).reason).toBe('JWT_SIGNATURE');
  });
});
