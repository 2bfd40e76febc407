// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { JsonNumber } from '../../src/lib/json-text.ts';
import { rawToken } from '../support/jwt-keys.ts';
import { accepted, goodHeader, key, NOW, refusalOfToken, refusedWith, SECONDS } from './checked.ts';

describe('sub', () => {
  it.each([
    undefined,
    null,
    '',
    7,
    ['spiffe://td/web'],
    'spiffe://td',
    'spiffe://td/',
    'spiffe://td/web/',
    'spiffe://td//web',
    'spiffe://TD/web',
    'SPIFFE://td/web',
    'https://td/web',
    'spiffe://td/%77eb',
    'spiffe://td/../web',
    'spiffe://td/web?x',
    'spiffe://td/web#x',
    'spiffe://td:1/web',
    'spiffe://td/web\n',
    `spiffe://td/${'a'.repeat(2048)}`,
  ])('JWT-06: %j is refused', async (sub) => {
    expect((await refusedWith({ claims: { sub } })).reason).toBe('JWT_SUBJECT');
  });
});

describe('aud', () => {
  it.each([['a'], [['a']], [['b', 'a']], [['a', 'a']]])('JWT-08: %j is for a', async (aud) => {
    const { audiences } = await accepted({ claims: { aud } });
    expect(audiences).toEqual([aud].flat());
  });

  it('AMB-02: a string and a list of one are read alike', async () => {
    expect((await accepted({ claims: { aud: 'a' } })).audiences).toEqual(['a']);
    expect((await accepted({ claims: { aud: ['a'] } })).audiences).toEqual(['a']);
  });

  it.each([undefined, null, '', [], [''], ['a', ''], ['a', 7], ['a', null], [['a']], 7, { a: 1 }, true])(
    'JWT-07: %j is refused',
    async (aud) => {
      expect((await refusedWith({ claims: { aud } })).reason).toBe('JWT_AUDIENCE_MISSING');
    },
  );

  it.each(['A', ['A'], ['a/'], 'a ', 'aa', ['b', 'c'], 'b,a', 'b a', '*', 'а'])(
    'JWT-08: %j is not for a',
    async (aud) => {
      expect((await refusedWith({ claims: { aud } })).reason).toBe('JWT_AUDIENCE');
    },
  );

  it('JWT-08: a validator without a name of its own accepts nothing', async () => {
    expect((await refusedWith({ claims: { aud: ['a'] } }, { audience: '' })).reason).toBe('JWT_AUDIENCE');
  });
});

describe('exp', () => {
  it.each([
    [-1, undefined],
    [0, undefined],
    [59, undefined],
    [60, 'JWT_EXPIRED'],
    [61, 'JWT_EXPIRED'],
  ])('JWT-09: CLI-11: %d s ago', async (ago, reason) => {
    const claims = { exp: SECONDS - ago, iat: undefined };
    if (reason === undefined) expect((await accepted({ claims })).expiresAt).toBe(NOW - ago * 1000);
    else expect((await refusedWith({ claims })).reason).toBe(reason);
  });

  it('JWT-09: without leeway ends on the second', async () => {
    const claims = { exp: SECONDS, iat: undefined };
    expect((await refusedWith({ claims }, { leewayMs: 0 })).reason).toBe('JWT_EXPIRED');
    await accepted({ claims }, { leewayMs: 0, now: NOW - 1 });
  });

  it('JWT-09: is refused when it is missing', async () => {
    expect((await refusedWith({ claims: { exp: undefined } })).reason).toBe('JWT_EXPIRY_MISSING');
  });

  it.each(['123', `${SECONDS + 300}`, null, true, [SECONDS + 300], {}, 253_402_300_800, 1e300])(
    'JWT-09: %j is no time',
    async (exp) => {
      expect((await refusedWith({ claims: { exp } })).reason).toBe('JWT_TIME');
    },
  );

  it.each(['1e999', '-1e999', '1e13'])('JWT-09: %s is no time', async (exp) => {
    const token = await rawToken(key, goodHeader, `{"sub":"spiffe://td/web","aud":"a","exp":${exp}}`);
    expect(refusalOfToken(token).reason).toBe('JWT_TIME');
  });

  it('may be written with a fraction or an exponent by others', async () => {
    expect((await accepted({ claims: { exp: SECONDS + 0.5 } })).expiresAt).toBe(NOW + 500);
  });
});

describe.each(['nbf', 'iat'])('%s', (name) => {
  it.each([-1_000_000, 0, 60])('JWT-12: %d s ahead is accepted', async (ahead) => {
    await accepted({ claims: { [name]: SECONDS + ahead } });
  });

  it.each([61, 600])('JWT-12: CLI-11: %d s ahead is refused', async (ahead) => {
    const failure = await refusedWith({ claims: { [name]: SECONDS + ahead } });
    expect(failure).toMatchObject({ reason: 'JWT_NOT_YET_VALID', message: expect.stringContaining(name) });
  });

  it.each(['123', null, [1], 'now'])('JWT-12: %j is no time', async (value) => {
    expect((await refusedWith({ claims: { [name]: value } })).reason).toBe('JWT_TIME');
  });

  it('JWT-12: may be missing', async () => {
    await accepted({ claims: { [name]: undefined } });
  });
});

describe('further claims', () => {
  it('JWT-19: are allowed, and a token is accepted as often as it is shown', async () => {
    const claims = { jti: 'once', 'https://example.org/role': ['x', { deep: null }], big: 9007199254740991 };
    for (const _ of [1, 2]) {
      const { claims: read } = await accepted({ claims });
      expect(read.get('jti')).toBe('once');
      expect(read.get('https://example.org/role')).toEqual(['x', new Map([['deep', null]])]);
      expect(read.get('big')).toEqual(new JsonNumber('9007199254740991'));
    }
  });
});
