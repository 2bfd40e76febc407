// SPDX-License-Identifier: Apache-2.0
/**
 * A JWT-SVID: what it says comes from the caller's decision alone. It is signed once, and read back and compared with that
 * decision before it is handed out (I2).
 */
import type { KeyObject } from 'node:crypto';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import { Failure } from '../lib/failure.ts';
import type { JwsAlgorithm } from './algorithms.ts';
import { checkMinted, type Meant, type MeantMembers } from './mint-check.ts';
import { signingInputOf } from './token.ts';

export interface JwtSvidOrder {
  readonly alg: JwsAlgorithm;
  /** Names a key that is in the published bundle. */
  readonly kid: string;
  /** A JWS signature of `alg` over `input`: raw R and S for ECDSA (JWT-20). */
  readonly sign: (input: Buffer) => Buffer | Promise<Buffer>;
  readonly spiffeId: SpiffeId;
  /** One or more, none empty, in the order asked for (WAPI-21). */
  readonly audiences: readonly string[];
  /** Milliseconds UTC; written as whole seconds, rounded down (JWT-10, JWT-12, I5). */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly issuer?: string;
  readonly jti?: string;
  /** Claims beside those of a JWT-SVID; `MORE_CLAIMS` alone. */
  readonly more?: MeantMembers;
  /** Given: the signature is verified with it before the token leaves. */
  readonly verifyWith?: KeyObject;
}

/** Registered claims (RFC 8417 section 4.1.2, RFC 8693 section 4.2, RFC 9396 section 9.1). */
const MORE_CLAIMS: ReadonlySet<string> = new Set(['txn', 'scope', 'authorization_details']);

export async function mintJwtSvid(order: JwtSvidOrder): Promise<string> {
  const { alg, kid } = order;
  const input = signingInputOf({ alg, kid, typ: 'JWT' }, claimsFor(order));
  const signature = await order.sign(Buffer.from(input, 'latin1'));
  const token = `${input}.${signature.toString('base64url')}`;
  // guard: I2 test/jwt/mint.test.ts
  checkMinted(token, order);
  return token;
}

function claimsFor({ spiffeId, audiences, issuedAt, expiresAt, issuer, jti, more = [] }: JwtSvidOrder): object {
  // guard: JWT-07 test/jwt/mint.test.ts
  if (audiences.length === 0 || audiences.includes('')) throw unfit('an audience is missing or empty');
  // guard: JWT-06 test/jwt/mint.test.ts
  if (spiffeId.path === '') throw unfit('its SPIFFE ID names no workload');
  // guard: I2 test/jwt/mint.test.ts — whose it is, and until when, is said by nobody else
  if (more.some(([name]) => !MORE_CLAIMS.has(name))) throw unfit('a claim is not one that may be added');
  // Rounded down: never ahead of the clock, and never a part of a second longer than was decided.
  const [iat, exp] = [Math.floor(issuedAt / 1000), Math.floor(expiresAt / 1000)];
  // guard: I5 test/jwt/mint.test.ts
  if (exp <= iat) throw new Failure('internal', 'SVID_WOULD_BE_EXPIRED', 'the token would end when it begins');
  return {
    sub: spiffeId.toString(),
    aud: audiences.length === 1 ? audiences[0] : audiences,
    exp,
    iat,
    // JSON.stringify leaves out what is undefined.
    iss: issuer,
    jti,
    ...Object.fromEntries(more.map(([name, value]) => [name, plain(value)])),
  };
}

function plain(value: Meant): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, one]) => [name, plain(one)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

function unfit(reason: string): Failure {
  return new Failure('internal', 'SVID_SELF_CHECK', `a token was not made: ${reason}`);
}
