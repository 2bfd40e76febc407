// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkJwtSvid } from '../../src/jwt/svid.ts';
import { openToken, signatureOf, TOKEN_MAX_BYTES } from '../../src/jwt/token.ts';
import { Failure } from '../../src/lib/failure.ts';
import { part, rawToken } from '../support/jwt-keys.ts';
import { check, goodClaims, goodHeader, key, refusalOfToken, tokenWith } from './checked.ts';

const good = await tokenWith();
const [header, payload, signature] = good.split('.') as [string, string, string];

describe('the form of a token', () => {
  it('JWT-01: three parts pass', () => {
    expect(checkJwtSvid(good, check).spiffeId.toString()).toBe('spiffe://td/web');
  });

  it.each([
    ['nothing', ''],
    ['one part', header],
    ['two parts', `${header}.${payload}`],
    ['four parts', `${good}.`],
    ['a dot in front', `.${good}`],
    ['five parts, as an encrypted token has', `${header}.${payload}.${signature}.${payload}.${signature}`],
    ['general JSON serialization', JSON.stringify({ payload, signatures: [{ protected: header, signature }] })],
    ['flattened JSON serialization', JSON.stringify({ protected: header, payload, signature })],
    ['a newline behind it', `${good}\n`],
    ['a newline before it', `\n${good}`],
    ['a space within', `${header}. ${payload}.${signature}`],
    ['Bearer before it', `Bearer ${good}`],
    ['padding', `${header}.${payload}.${signature}==`],
    ['padding of the header', `${header}=.${payload}.${signature}`],
    ['a detached payload', `${header}..${signature}`],
    ['no signature', `${header}.${payload}.`],
    ['a header that is a list', `${part([goodHeader])}.${payload}.${signature}`],
    ['a header that is a string', `${part('"ES256"')}.${payload}.${signature}`],
    ['a header that is not JSON', `${part('alg=ES256')}.${payload}.${signature}`],
    ['a payload that is null', `${header}.${part('null')}.${signature}`],
    ['NUL within', `${header}\u0000.${payload}.${signature}`],
    ['full-width letters', `${header}.${payload}.${signature.slice(0, -1)}ａ`],
  ])('JWT-01: %s is refused', (_, token) => {
    expect(refusalOfToken(token).reason).toBe('JWT_MALFORMED');
  });

  it('JWT-01: has one spelling: another alphabet, or bits behind the last byte, are refused', async () => {
    // 64 bytes leave four bits in the last character of the signature, all zero.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(good.at(-1) as string);
    for (let bits = 1; bits < 16; bits++)
      expect(refusalOfToken(good.slice(0, -1) + alphabet[last + bits]).reason).toBe('JWT_MALFORMED');
    const standard = `${header}.${payload}.${Buffer.alloc(64, 0xff).toString('base64').replaceAll('=', '')}`;
    expect(refusalOfToken(standard).reason).toBe('JWT_MALFORMED');
  });

  it('JWT-01: its bytes are UTF-8, without a mark in front', () => {
    const broken = Buffer.from('{"alg":"ES256","kid":"\xff"}', 'latin1').toString('base64url');
    const marked = part(`\ufeff${JSON.stringify(goodHeader)}`);
    for (const bad of [broken, marked])
      expect(refusalOfToken(`${bad}.${payload}.${signature}`).message).toContain('header is not JSON in UTF-8');
  });

  it.each([
    ['alg', `{"alg":"ES256","alg":"none","kid":"k1"}`, JSON.stringify(goodClaims)],
    ['kid, once escaped', `{"alg":"ES256","kid":"k1","\\u006bid":"k2"}`, JSON.stringify(goodClaims)],
    ['sub', JSON.stringify(goodHeader), `{"sub":"spiffe://td/web","sub":"spiffe://td/db","aud":"a","exp":9999999999}`],
    ['exp', JSON.stringify(goodHeader), `{"sub":"spiffe://td/web","aud":"a","exp":1,"exp":9999999999}`],
    [
      'a member deep within',
      JSON.stringify(goodHeader),
      `{"sub":"spiffe://td/web","aud":"a","exp":9999999999,"x":[{"y":1,"y":2}]}`,
    ],
  ])('JWT-01: that names twice %s is refused: two readers would read two tokens', async (_, head, body) => {
    expect(refusalOfToken(await rawToken(key, head, body)).message).toContain('names something twice');
  });

  it('I9: longer than 16 KiB is refused before it is looked at, naming the ceiling', () => {
    expect(TOKEN_MAX_BYTES).toBe(16_384);
    for (const long of [`${good}${'A'.repeat(TOKEN_MAX_BYTES)}`, '.'.repeat(1_000_000)])
      expect(refusalOfToken(long).message).toBe('the token is refused: it is longer than 16384 bytes');
  });

  it('I9: nested deep is refused', async () => {
    const deep = `{"sub":"spiffe://td/web","aud":"a","exp":9999999999,"x":${'['.repeat(4000)}${']'.repeat(4000)}}`;
    expect(refusalOfToken(await rawToken(key, goodHeader, deep)).reason).toBe('JWT_MALFORMED');
  });

  it('B7: has no special names', async () => {
    const body = JSON.stringify(goodClaims).replace('{', '{"__proto__":{"sub":"spiffe://td/admin"},"constructor":1,');
    const { spiffeId, claims } = checkJwtSvid(await rawToken(key, goodHeader, body), check);
    expect(spiffeId.path).toBe('/web');
    expect([...claims.keys()]).toContain('__proto__');
  });
});

describe('whatever comes as a token', () => {
  const changed = fc
    .tuple(fc.nat(good.length), fc.nat(6), fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('.', '=', '\n', '{"')))
    .map(([at, cut, put]) => good.slice(0, at) + put + good.slice(at + cut));
  const shaped = fc
    .tuple(fc.json({ maxDepth: 2 }), fc.json({ maxDepth: 2 }), fc.base64String())
    .map(([head, body, end]) => `${part(head)}.${part(body)}.${end.replaceAll('=', '')}`);

  it('is refused with a Failure, or is the very token that was signed', () => {
    fc.assert(
      fc.property(fc.oneof(changed, shaped, fc.string({ unit: 'binary' })), (token) => {
        try {
          checkJwtSvid(token, check);
          expect(token).toBe(good);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          expect(error.reason).toMatch(/^JWT_/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('opens only as what it would be written as again', () => {
    fc.assert(
      fc.property(fc.oneof(changed, shaped), (token) => {
        try {
          const opened = openToken(token);
          const end = signatureOf(opened).toString('base64url');
          expect(`${opened.signingInput.toString('latin1')}.${end}`).toBe(token);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
        }
      }),
    );
  });
});
