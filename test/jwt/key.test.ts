// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type JwtKey, parseJwks, renderJwks } from '../../src/jwt/key.ts';
import { Failure } from '../../src/lib/failure.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { refusalOf } from '../support/refusal.ts';

const first = newJwtKey('ES256', 'one');
const second = newJwtKey('RS256', 'two');
const written = renderJwks([first, second]).toString();
const members = (JSON.parse(written) as { keys: Record<string, unknown>[] }).keys;
const set = (...keys: unknown[]): string => JSON.stringify({ keys });

describe('the JWK set of a trust domain', () => {
  it('WAPI-25: has a kid on every key; WAPI-26: and no member that only SPIFFE knows', () => {
    expect(Object.keys(JSON.parse(written) as object)).toEqual(['keys']);
    expect(members.map((key) => Object.keys(key))).toEqual([
      ['kty', 'kid', 'crv', 'x', 'y'],
      ['kty', 'kid', 'n', 'e'],
    ]);
  });

  it('JWT-17: holds no private member, whatever else', () => {
    for (const jwk of members)
      for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) expect(jwk).not.toHaveProperty(name);
    const careless = { kid: 'k', publicKey: first.privateKey };
    expect(refusalOf(() => renderJwks([careless])).reason).toBe('SIGNER_UNFIT');
  });

  it('is read back as the keys it was written from', () => {
    const { keys, ignored } = parseJwks(written, 'bundle');
    expect(ignored).toEqual([]);
    expect(keys.map(({ kid }) => kid)).toEqual(['one', 'two']);
    expect(keys.every(({ publicKey }, at) => publicKey.equals([first, second][at]!.publicKey))).toBe(true);
  });

  it('BUN-02: may be empty, both ways', () => {
    expect(parseJwks(renderJwks([]).toString(), 'bundle')).toEqual({ keys: [], ignored: [] });
  });

  it('JWT-15: CLI-13: is not written with a key that has no kid, or with one kid for two keys', () => {
    const ed25519: JwtKey = { kid: 'e', publicKey: generateKeyPairSync('ed25519').publicKey };
    for (const [keys, why] of [
      [[{ ...first, kid: '' }], 'no kid'],
      [[first, { ...second, kid: 'one' }], 'one kid'],
      [[ed25519], 'signs no token'],
    ] as const)
      expect(refusalOf(() => renderJwks(keys))).toMatchObject({
        kind: 'internal',
        message: expect.stringContaining(why),
      });
  });

  it.each([
    ['JWT-15: of no kid', { ...members[0], kid: undefined }, 'no kid'],
    ['JWT-15: of an empty kid', { ...members[0], kid: '' }, 'no kid'],
    ['JWT-15: of a kid that is a number', { ...members[0], kid: 1 }, 'no kid'],
    ['I9: of an endless kid', { ...members[0], kid: 'k'.repeat(1025) }, 'longer than 1024'],
    ['WAPI-36: for X.509', { ...members[0], use: 'x509-svid' }, 'for another use'],
    ['WAPI-36: for WIT-SVIDs', { ...members[0], use: 'wit-svid' }, 'for another use'],
    ['BUN-08: for a use in another case', { ...members[0], use: 'JWT-SVID' }, 'for another use'],
    ['BUN-08: for a use that is not text', { ...members[0], use: null }, 'for another use'],
    ['BUN-07: of an unknown kty', { ...members[0], kty: 'AKP' }, 'kty is unknown'],
    ['JWT-17: with private members', { ...members[0], d: 'AA' }, 'private members'],
    ['that is none', 'key', 'not a JSON object'],
  ])('%s: a key is left out, and the others stay', (_, key, reason) => {
    const { keys, ignored } = parseJwks(set(key, members[1]), 'bundle');
    expect(keys.map(({ kid }) => kid)).toEqual(['two']);
    expect(ignored).toEqual([{ index: 0, reason: expect.stringContaining(reason) }]);
  });

  it('takes keys whose use is jwt-svid, as bundle documents have it', () => {
    expect(parseJwks(set({ ...members[0], use: 'jwt-svid' }), 'bundle').keys).toHaveLength(1);
  });

  it('JWT-13: in which one kid names two keys is refused whole: their order must not choose', () => {
    const twice = set(members[0], { ...members[1], kid: 'one' });
    expect(refusalOf(() => parseJwks(twice, 'bundle'))).toMatchObject({
      reason: 'BUNDLE_INVALID',
      message: 'bundle keys[1] is refused: its kid is that of another key',
    });
  });

  it.each([
    ['BUN-01: no keys', '{}', 'no `keys` array'],
    ['BUN-01: null for keys', '{"keys":null}', 'no `keys` array'],
    ['a list', '[]', 'no `keys` array'],
    ['BUN-15: keys twice', '{"keys":[],"keys":[]}', 'is there twice'],
    ['no JSON', '<html>', 'a value is missing'],
    ['I9: more than a megabyte', `{"keys":[]}${' '.repeat(1024 * 1024)}`, 'larger than 1048576 bytes'],
  ])('with %s is refused', (_, text, reason) => {
    expect(refusalOf(() => parseJwks(text, 'bundle')).message).toContain(reason);
  });

  it('is refused or read whatever was changed in it, never anything else', () => {
    const changed = fc
      .tuple(fc.nat(written.length), fc.nat(8), fc.string({ maxLength: 4 }))
      .map(([at, cut, put]) => written.slice(0, at) + put + written.slice(at + cut));
    fc.assert(
      fc.property(changed, (text) => {
        try {
          parseJwks(text, 'bundle');
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
        }
      }),
      { numRuns: 500 },
    );
  });
});
