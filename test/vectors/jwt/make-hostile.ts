// SPDX-License-Identifier: Apache-2.0
/**
 * Makes hostile.json: tokens that must be refused, each with the reason, and one that must pass. Run with
 * `tools/node/run test/vectors/jwt/make-hostile.ts`; keys are new each time, so the file changes as a whole.
 */
import { createHmac, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { renderJwks } from '../../../src/jwt/key.ts';
import { newJwtKey, part, rawToken, type TestJwtKey } from '../../support/jwt-keys.ts';

/** 2026-03-01T12:00:00Z. */
const NOW = Date.UTC(2026, 2, 1, 12);
const exp = NOW / 1000 + 300;

const ec = newJwtKey('ES256', 'ec');
const p384 = newJwtKey('ES384', 'p384');
const rsa = newJwtKey('RS256', 'rsa');
const foreign = newJwtKey('ES256', 'foreign');

const header = { alg: 'ES256', kid: 'ec', typ: 'JWT' };
const claims = { sub: 'spiffe://td/web', aud: ['a', 'b'], exp, iat: NOW / 1000 };
const made = (change: object, more: object = {}, by: TestJwtKey = ec): Promise<string> =>
  rawToken(by, { ...header, ...change }, { ...claims, ...more });

const good = await made({});
const [head, body, end] = good.split('.') as [string, string, string];
const asSecret = (secret: string | Buffer): string => {
  const input = `${part({ ...header, alg: 'HS256' })}.${body}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};
const der = sign('sha256', Buffer.from(`${head}.${body}`), ec.privateKey).toString('base64url');
const wrongCurve = `${part({ ...header, kid: 'p384' })}.${body}`;
const wrongCurveEnd = sign('sha256', Buffer.from(wrongCurve), { key: p384.privateKey, dsaEncoding: 'ieee-p1363' });
const text = JSON.stringify(claims);

const hostile: readonly (readonly [string, string, string])[] = [
  ['nothing', 'JWT_MALFORMED', ''],
  ['three dots', 'JWT_MALFORMED', '...'],
  ['JSON serialization', 'JWT_MALFORMED', JSON.stringify({ protected: head, payload: body, signature: end })],
  ['five parts', 'JWT_MALFORMED', `${head}.${body}.${end}.${body}.${end}`],
  ['a newline at the end', 'JWT_MALFORMED', `${good}\n`],
  ['padding', 'JWT_MALFORMED', `${good}==`],
  ['alg twice', 'JWT_MALFORMED', await rawToken(ec, '{"alg":"ES256","alg":"ES256","kid":"ec"}', claims)],
  ['sub twice', 'JWT_MALFORMED', await rawToken(ec, header, text.replace('{', '{"sub":"spiffe://td/admin",'))],
  ['none, no signature', 'JWT_ALGORITHM', `${part({ ...header, alg: 'none' })}.${body}.`],
  ['none, a signature', 'JWT_ALGORITHM', `${part({ ...header, alg: 'none' })}.${body}.${end}`],
  ['HMAC with the SPKI', 'JWT_ALGORITHM', asSecret(ec.publicKey.export({ type: 'spki', format: 'der' }))],
  ['HMAC with the PEM', 'JWT_ALGORITHM', asSecret(ec.publicKey.export({ type: 'spki', format: 'pem' }))],
  ['HMAC with nothing', 'JWT_ALGORITHM', asSecret('')],
  ['es256', 'JWT_ALGORITHM', await made({ alg: 'es256' })],
  ['no alg', 'JWT_ALGORITHM', await made({ alg: undefined })],
  ['a WIT-SVID', 'JWT_TYPE', await made({ typ: 'wit+jwt' }, { aud: undefined, cnf: { jwk: {} } })],
  ['an access token', 'JWT_TYPE', await made({ typ: 'at+jwt' }, { client_id: 'x', scope: 'read' })],
  ['an unencoded payload', 'JWT_HEADER', await made({ b64: false, crit: ['b64'] })],
  ['no kid', 'JWT_KEY_ID', await made({ kid: undefined })],
  ['no sub', 'JWT_SUBJECT', await made({}, { sub: undefined })],
  ['the trust domain as sub', 'JWT_SUBJECT', await made({}, { sub: 'spiffe://td' })],
  ['an e-mail address as sub', 'JWT_SUBJECT', await made({}, { sub: 'web@td' })],
  ['no aud', 'JWT_AUDIENCE_MISSING', await made({}, { aud: undefined })],
  ['an empty aud', 'JWT_AUDIENCE_MISSING', await made({}, { aud: [] })],
  ['another aud', 'JWT_AUDIENCE', await made({}, { aud: ['A', 'a/', ' a'] })],
  ['no exp', 'JWT_EXPIRY_MISSING', await made({}, { exp: undefined })],
  ['exp as text', 'JWT_TIME', await made({}, { exp: `${exp}` })],
  ['exp long ago', 'JWT_EXPIRED', await made({}, { exp: exp - 361 })],
  ['nbf ahead', 'JWT_NOT_YET_VALID', await made({}, { nbf: exp })],
  ['iat ahead', 'JWT_NOT_YET_VALID', await made({}, { iat: exp })],
  ['a strange trust domain', 'JWT_UNTRUSTED', await made({}, { sub: 'spiffe://other/web' })],
  ['a strange key', 'JWT_KEY_UNKNOWN', await made({ kid: 'foreign' }, {}, foreign)],
  ['a strange key under our kid', 'JWT_SIGNATURE', await made({}, {}, foreign)],
  [
    'its own key in the header',
    'JWT_SIGNATURE',
    await made({ jwk: foreign.publicKey.export({ format: 'jwk' }) }, {}, foreign),
  ],
  ['P-384 under ES256', 'JWT_KEY_UNFIT', `${wrongCurve}.${wrongCurveEnd.toString('base64url')}`],
  ['RSA under ES256', 'JWT_KEY_UNFIT', await made({ kid: 'rsa' }, {}, rsa)],
  ['DER', 'JWT_SIGNATURE', `${head}.${body}.${der}`],
  ['zeros', 'JWT_SIGNATURE', `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`],
  ['another payload', 'JWT_SIGNATURE', `${head}.${part({ ...claims, sub: 'spiffe://td/admin' })}.${end}`],
];

const museum = {
  now: NOW,
  audience: 'a',
  trustDomain: 'td',
  jwks: renderJwks([ec, p384, rsa]).toString(),
  good,
  hostile: hostile.map(([name, reason, token]) => ({ name, reason, token })),
};
writeFileSync(new URL('hostile.json', import.meta.url), `${JSON.stringify(museum, null, 2)}\n`);
