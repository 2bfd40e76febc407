// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { JWS_ALGORITHMS } from '../../src/jwt/algorithms.ts';
import { checkJwtSvid } from '../../src/jwt/svid.ts';
import { checkWitSvid, readOwnWitSvid } from '../../src/jwt/wit-svid.ts';
import { newJwtKey, part, rawToken } from '../support/jwt-keys.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import * as jwtBench from './checked.ts';
import { NOW, SECONDS } from './checked.ts';
import {
  accepted,
  check,
  goodClaims,
  goodHeader,
  holder,
  holderJwk,
  key,
  provenBy,
  refusedWith,
  tokenWith,
} from './wit-checked.ts';

describe('a WIT-SVID', () => {
  it.each(JWS_ALGORITHMS)('WIT-03: of a key for %s passes', async (alg) => {
    const by = newJwtKey(alg, 'k');
    const said = await accepted({ by, header: { alg, kid: 'k' } }, { keysOf: () => [by] });
    expect([said.spiffeId.toString(), said.kid, said.expiresAt]).toEqual(['spiffe://td/web', 'k', NOW + 300_000]);
  });

  it.each(JWS_ALGORITHMS)('WIT-07: whose holder has a key for %s passes', async (alg) => {
    const by = newJwtKey(alg, 'holder');
    const cnf = { jwk: { ...by.publicKey.export({ format: 'jwk' }), alg } };
    await accepted({ claims: { cnf } }, { provesPossession: provenBy(by) });
  });

  it.each([
    ['WIT-01: JWT', { typ: 'JWT' }, 'JWT_TYPE'],
    ['WIT-01: no typ', { typ: undefined }, 'JWT_TYPE'],
    ['WIT-01: WIT+JWT', { typ: 'WIT+JWT' }, 'JWT_TYPE'],
    ['WIT-01: application/wit+jwt', { typ: 'application/wit+jwt' }, 'JWT_TYPE'],
    ['WIT-01: wpt+jwt', { typ: 'wpt+jwt' }, 'JWT_TYPE'],
    ['WIT-01: a list of it', { typ: ['wit+jwt'] }, 'JWT_TYPE'],
    ['WIT-02: no kid', { kid: undefined }, 'JWT_KEY_ID'],
    ['WIT-02: an empty kid', { kid: '' }, 'JWT_KEY_ID'],
    ['WIT-02: a kid as a number', { kid: 1 }, 'JWT_KEY_ID'],
    ['WIT-02: the kid in upper case', { kid: 'W1' }, 'JWT_KEY_UNKNOWN'],
    ['WIT-03: no alg', { alg: undefined }, 'JWT_ALGORITHM'],
    ['WIT-03: EdDSA', { alg: 'EdDSA' }, 'JWT_ALGORITHM'],
    ['WIT-03: none', { alg: 'none' }, 'JWT_ALGORITHM'],
    ['WIT-03: HS256', { alg: 'HS256' }, 'JWT_ALGORITHM'],
    ['WIT-03: es256', { alg: 'es256' }, 'JWT_ALGORITHM'],
    ['WIT-03: an alg of another key', { alg: 'ES384' }, 'JWT_KEY_UNFIT'],
    ['WIT-04: crit', { crit: ['x'], x: 1 }, 'JWT_HEADER'],
    ['WIT-04: b64', { b64: false }, 'JWT_HEADER'],
  ])('%s in the header is refused', async (_, header, reason) => {
    expect((await refusedWith({ header })).reason).toBe(reason);
  });

  it('WIT-04: may have a member in its header that nobody knows', async () => {
    await accepted({ header: { x: 'y', jku: 'https://evil.example/keys' } });
  });

  const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const { alg: _, ...withoutAlg } = holderJwk;
  it.each([
    ['WIT-05: no sub', { sub: undefined }, 'JWT_SUBJECT'],
    ['WIT-05: an empty sub', { sub: '' }, 'JWT_SUBJECT'],
    ['WIT-05: a trust domain as sub', { sub: 'spiffe://td' }, 'JWT_SUBJECT'],
    ['WIT-05: a malformed sub', { sub: 'spiffe://td//web' }, 'JWT_SUBJECT'],
    ['WIT-06: no cnf', { cnf: undefined }, 'WIT_HOLDER_KEY'],
    ['WIT-06: cnf that is text', { cnf: 'x' }, 'WIT_HOLDER_KEY'],
    ['WIT-06: cnf with a kid alone', { cnf: { kid: 'x' } }, 'WIT_HOLDER_KEY'],
    ['WIT-06: cnf with a thumbprint alone', { cnf: { jkt: 'x' } }, 'WIT_HOLDER_KEY'],
    ['WIT-06: jwk that is a list', { cnf: { jwk: [holderJwk] } }, 'WIT_HOLDER_KEY'],
    ['WIT-06: a private key', { cnf: { jwk: { ...holderJwk, d: 'AAAA' } } }, 'WIT_HOLDER_KEY'],
    ['WIT-06: a shared secret', { cnf: { jwk: { kty: 'oct', k: 'AAAA', alg: 'HS256' } } }, 'WIT_HOLDER_KEY'],
    ['WIT-06: a point of no curve', { cnf: { jwk: { ...holderJwk, y: holderJwk.x } } }, 'WIT_HOLDER_KEY'],
    ['WIT-07: a key without alg', { cnf: { jwk: withoutAlg } }, 'WIT_HOLDER_KEY'],
    ['WIT-07: a key for EdDSA', { cnf: { jwk: { ...ed25519, alg: 'EdDSA' } } }, 'WIT_HOLDER_KEY'],
    ['WIT-07: EdDSA on another key', { cnf: { jwk: { ...holderJwk, alg: 'EdDSA' } } }, 'WIT_HOLDER_KEY'],
    ['WIT-07: none', { cnf: { jwk: { ...holderJwk, alg: 'none' } } }, 'WIT_HOLDER_KEY'],
    ['WIT-07: an alg that does not fit the key', { cnf: { jwk: { ...holderJwk, alg: 'ES384' } } }, 'WIT_HOLDER_KEY'],
    ['WIT-07: RS256 on an EC key', { cnf: { jwk: { ...holderJwk, alg: 'RS256' } } }, 'WIT_HOLDER_KEY'],
    ['WIT-08: no exp', { exp: undefined }, 'JWT_EXPIRY_MISSING'],
    ['WIT-08: an exp of 60 s ago', { exp: SECONDS - 60 }, 'JWT_EXPIRED'],
    ['WIT-08: exp as text', { exp: `${SECONDS + 300}` }, 'JWT_TIME'],
    ['WIT-09: an nbf of 10 min ahead', { nbf: SECONDS + 600 }, 'JWT_NOT_YET_VALID'],
    ['WIT-09: nbf as text', { nbf: `${SECONDS}` }, 'JWT_TIME'],
    ['WIT-10: iat as text', { iat: `${SECONDS}` }, 'JWT_TIME'],
    ['WIT-11: an audience', { aud: 'a' }, 'WIT_AUDIENCE'],
    ['WIT-11: an audience that is nobody', { aud: null }, 'WIT_AUDIENCE'],
    ['WIT-11: no audience in a list', { aud: [] }, 'WIT_AUDIENCE'],
  ])('%s is refused', async (_, claims, reason) => {
    expect((await refusedWith({ claims })).reason).toBe(reason);
  });

  it('WIT-08: passes within the leeway, and not with a leeway of none', async () => {
    await accepted({ claims: { exp: SECONDS - 59 } });
    expect((await refusedWith({ claims: { exp: SECONDS } }, { leewayMs: 0 })).reason).toBe('JWT_EXPIRED');
  });

  it('WIT-10: WIT-09: passes with an iat ahead, with or without an nbf', async () => {
    await accepted({ claims: { iat: SECONDS + 3600, nbf: undefined } });
    await accepted({ claims: { iat: SECONDS + 3600 } });
    await accepted({ claims: { iat: undefined, nbf: undefined } });
  });

  it('WIT-12: passes twice: its jti is no proof against replay', async () => {
    const token = await tokenWith({ claims: { jti: 'once' } });
    await checkWitSvid(token, check);
    await checkWitSvid(token, check);
  });

  it('WIT-19: passes with claims that nobody knows', async () => {
    const said = await accepted({ claims: { team: { name: 'a' }, scope: ['x'] } });
    expect(said.claims.has('team')).toBe(true);
  });
});

describe('the proof of possession', () => {
  it.each([
    ['that fails', () => false],
    ['that says nothing', () => undefined],
    ['that says something else', () => 'true'],
    ['that is promised and fails', async () => false],
  ])('WIT-14: one %s refuses', async (_, provesPossession) => {
    const failure = await refusedWith({}, { provesPossession: provesPossession as never });
    expect(failure.reason).toBe('WIT_NOT_PROVEN');
  });

  it('WIT-14: by another key refuses', async () => {
    const thief = newJwtKey('ES256');
    expect((await refusedWith({}, { provesPossession: provenBy(thief) })).reason).toBe('WIT_NOT_PROVEN');
    expect((await refusedWith({}, { provesPossession: provenBy(key) })).reason).toBe('WIT_NOT_PROVEN');
  });

  it('WIT-14: that throws is passed on', async () => {
    const provesPossession = (): boolean => {
      throw new Error('no proof came');
    };
    await expect(accepted({}, { provesPossession })).rejects.toThrow('no proof came');
  });

  it('WIT-14: is asked for last, and of no token that is refused anyway', async () => {
    let asked = 0;
    const provesPossession = (): boolean => {
      asked += 1;
      return true;
    };
    await refusedWith({ by: newJwtKey('ES256') }, { provesPossession });
    await refusedWith({ claims: { exp: SECONDS - 600 } }, { provesPossession });
    expect(asked).toBe(0);
    await accepted({}, { provesPossession });
    expect(asked).toBe(1);
  });
});

describe('what vouches for a WIT-SVID', () => {
  it('WIT-17: is a key of its trust domain, by kid, and no bundle means no trust', async () => {
    expect((await refusedWith({}, { keysOf: () => undefined })).reason).toBe('JWT_UNTRUSTED');
    expect((await refusedWith({}, { keysOf: () => [] })).reason).toBe('JWT_UNTRUSTED');
    expect((await refusedWith({ claims: { sub: 'spiffe://td-b/web' } })).reason).toBe('JWT_UNTRUSTED');
    expect((await refusedWith({ by: newJwtKey('ES256') })).reason).toBe('JWT_SIGNATURE');
    expect((await refusedWith({ by: holder })).reason).toBe('JWT_SIGNATURE');
  });

  it('WIT-17: WAPI-36: is no JWT key', async () => {
    const by = jwtBench.key;
    expect((await refusedWith({ by, header: { kid: by.kid } })).reason).toBe('JWT_KEY_UNKNOWN');
    expect((await refusedWith({ by })).reason).toBe('JWT_SIGNATURE');
  });
});

describe('one kind of token where the other is wanted', () => {
  it('WAPI-36: WIT-15: a WIT-SVID is no JWT-SVID, whoever signed it', async () => {
    const keysOf = () => [key, jwtBench.key];
    for (const by of [key, jwtBench.key]) {
      for (const claims of [{}, { aud: 'a' }]) {
        const token = await tokenWith({ by, header: { kid: by.kid }, claims });
        expect(refusalOf(() => checkJwtSvid(token, { ...jwtBench.check, keysOf })).reason).toBe('JWT_TYPE');
      }
    }
  });

  it('WAPI-36: a WIT-SVID that calls itself a JWT has no audience', async () => {
    const token = await rawToken(key, { ...goodHeader, typ: 'JWT' }, goodClaims);
    const failure = refusalOf(() => checkJwtSvid(token, { ...jwtBench.check, keysOf: () => [key] }));
    expect(failure.reason).toBe('JWT_AUDIENCE_MISSING');
  });

  it('WAPI-36: a JWT-SVID is no WIT-SVID, whoever signed it', async () => {
    for (const by of [key, jwtBench.key]) {
      const token = await jwtBench.tokenWith({ by, header: { kid: by.kid } });
      const failure = await refusalOfAsync(() => checkWitSvid(token, { ...check, keysOf: () => [key, jwtBench.key] }));
      expect(failure.reason).toBe('JWT_TYPE');
    }
  });

  it('WAPI-36: a JWT-SVID that calls itself a WIT has an audience', async () => {
    const claims = { ...jwtBench.goodClaims, cnf: { jwk: holderJwk } };
    expect((await refusedWith({ claims })).reason).toBe('WIT_AUDIENCE');
  });
});

describe('a WIT-SVID from the daemon of its holder', () => {
  it('names the key, and is read by the same rules but that of the signer', async () => {
    const { spiffeId, holder: named } = readOwnWitSvid(await tokenWith({ by: newJwtKey('ES256') }), { now: NOW });
    expect(spiffeId.toString()).toBe('spiffe://td/web');
    expect(named.publicKey.equals(holder.publicKey)).toBe(true);
    const late = await tokenWith({ claims: { exp: SECONDS - 600 } });
    expect(refusalOf(() => readOwnWitSvid(late, { now: NOW })).reason).toBe('JWT_EXPIRED');
    const unsigned = `${part(goodHeader)}.${part(goodClaims)}.`;
    expect(refusalOf(() => readOwnWitSvid(unsigned, { now: NOW })).reason).toBe('JWT_MALFORMED');
  });
});
