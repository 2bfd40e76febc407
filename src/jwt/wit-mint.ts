// SPDX-License-Identifier: Apache-2.0
/**
 * A WIT-SVID (spiffe/spiffe standards/WIT-SVID.md, Incubating): as a JWT-SVID it is signed once, and read back and compared before it is
 * handed out (I2). It names the key of its holder and nobody that it is meant for.
 */
import type { KeyObject } from 'node:crypto';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import { Failure } from '../lib/failure.ts';
import type { JwsAlgorithm } from './algorithms.ts';
import { checkSays, type MeantMembers, named } from './mint-check.ts';
import { signingInputOf } from './token.ts';
import type { HolderJwk } from './wit-key.ts';

/** WIT-01. */
export const WIT_TYPE = 'wit+jwt';

export interface WitSvidOrder {
  readonly alg: JwsAlgorithm;
  /** Names a key that is in the published bundle. */
  readonly kid: string;
  /** A JWS signature of `alg` over `input`: raw R and S for ECDSA. */
  readonly sign: (input: Buffer) => Buffer | Promise<Buffer>;
  readonly spiffeId: SpiffeId;
  readonly confirms: HolderJwk;
  /** Milliseconds UTC; written as whole seconds, rounded down. */
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly expiresAt: number;
  /** Never one that OpenID Connect could look up (WIT-13). */
  readonly issuer?: string;
  readonly jti?: string;
  /** Given: the signature is verified with it before the token leaves. */
  readonly verifyWith?: KeyObject;
}

export async function mintWitSvid(order: WitSvidOrder): Promise<string> {
  const { alg, kid, verifyWith } = order;
  const header = [named('alg', alg), named('kid', kid), named('typ', WIT_TYPE)];
  const claims = claimsFor(order);
  const input = signingInputOf(written(header), written(claims));
  const signature = await order.sign(Buffer.from(input, 'latin1'));
  const token = `${input}.${signature.toString('base64url')}`;
  // guard: I2 test/jwt/wit-mint.test.ts
  checkSays(token, { header, claims, alg, verifyWith });
  return token;
}

function claimsFor({ spiffeId, confirms, issuedAt, notBefore, expiresAt, issuer, jti }: WitSvidOrder): MeantMembers {
  // guard: WIT-05 test/jwt/wit-mint.test.ts
  if (spiffeId.path === '') throw unfit('its SPIFFE ID names no workload');
  // guard: WIT-13 test/jwt/wit-mint.test.ts
  if (issuer !== undefined && /^https:/i.test(issuer)) throw unfit('its issuer could be taken for an OpenID provider');
  const [iat, nbf, exp] = [issuedAt, notBefore, expiresAt].map((at) => Math.floor(at / 1000)) as [
    number,
    number,
    number,
  ];
  // guard: I5 test/jwt/wit-mint.test.ts
  if (exp <= iat || nbf > iat) throw new Failure('internal', 'SVID_WOULD_BE_EXPIRED', 'the token would not be valid');
  return [
    named('sub', spiffeId.toString()),
    named('cnf', new Map([['jwk', new Map(Object.entries(publicOnly(confirms)))]])),
    named('exp', exp),
    named('nbf', nbf),
    named('iat', iat),
    ...(issuer === undefined ? [] : [named('iss', issuer)]),
    ...(jti === undefined ? [] : [named('jti', jti)]),
  ];
}

/** WIT-06: member by member, so that nothing private can come along. */
function publicOnly(jwk: HolderJwk): Readonly<Record<string, string>> {
  const { kty, alg } = jwk;
  return kty === 'EC' ? { kty, alg, crv: jwk.crv, x: jwk.x, y: jwk.y } : { kty, alg, n: jwk.n, e: jwk.e };
}

function written(members: MeantMembers): object {
  const plain = (value: unknown): unknown => (value instanceof Map ? written([...value]) : value);
  return Object.fromEntries(members.map(([name, value]) => [name, plain(value)]));
}

function unfit(reason: string): Failure {
  return new Failure('internal', 'SVID_SELF_CHECK', `a token was not made: ${reason}`);
}
