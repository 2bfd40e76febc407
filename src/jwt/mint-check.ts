// SPDX-License-Identifier: Apache-2.0
/**
 * The look at a token before it leaves (I2): read as a stranger's would be, it says what was ordered and nothing else.
 * Without it a defect of the writer, or an order changed while its signature was made, would be signed and handed out.
 */
import type { KeyObject } from 'node:crypto';
import { Failure } from '../lib/failure.ts';
import { JsonNumber, type JsonValue } from '../lib/json-text.ts';
import { type JwsAlgorithm, signatureBytesOf, verifyJws } from './algorithms.ts';
import type { JwtSvidOrder } from './mint.ts';
import { claimsOf, type JsonObject, type OpenedToken, openToken, signatureOf } from './token.ts';

export type Meant = string | number | readonly Meant[] | ReadonlyMap<string, Meant>;
export type MeantMembers = readonly (readonly [string, Meant])[];

export interface Meaning {
  readonly header: MeantMembers;
  readonly claims: MeantMembers;
  readonly alg: JwsAlgorithm;
  /** Given: the signature is verified with it. */
  readonly verifyWith?: KeyObject | undefined;
}

/** Throws SVID_SELF_CHECK with the part at fault. */
export function checkMinted(token: string, order: JwtSvidOrder): void {
  const { alg, kid, verifyWith } = order;
  const header = [named('alg', alg), named('kid', kid), named('typ', 'JWT')];
  checkSays(token, { header, claims: claimsMeant(order), alg, verifyWith });
}

/** The same for a token of any kind. */
export function checkSays(token: string, meaning: Meaning): void {
  const opened = openToken(token);
  // guard: JWT-03 test/jwt/mint-check.test.ts
  if (!saysExactly(opened.header, meaning.header)) throw broken('header');
  // guard: I2 test/jwt/mint-check.test.ts
  if (!saysExactly(claimsOf(opened), meaning.claims)) throw broken('claims');
  checkSignature(opened, meaning);
}

function claimsMeant({ spiffeId, audiences, issuedAt, expiresAt, issuer, jti, more = [] }: JwtSvidOrder): MeantMembers {
  return [
    named('sub', spiffeId.toString()),
    named('aud', audiences.length === 1 ? (audiences[0] as string) : audiences),
    named('exp', Math.floor(expiresAt / 1000)),
    named('iat', Math.floor(issuedAt / 1000)),
    ...(issuer === undefined ? [] : [named('iss', issuer)]),
    ...(jti === undefined ? [] : [named('jti', jti)]),
    ...more,
  ];
}

function checkSignature(opened: OpenedToken, { alg, verifyWith }: Meaning): void {
  const signature = signatureOf(opened);
  // guard: JWT-20 test/jwt/mint-check.test.ts
  if (signature.length !== (signatureBytesOf(alg) ?? signature.length)) throw broken('signature');
  // guard: I2 test/jwt/mint-check.test.ts
  if (verifyWith !== undefined && !verifyJws(alg, verifyWith, opened.signingInput, signature))
    throw broken('signature');
}

/** These names, each with this value, and no others. */
function saysExactly(read: JsonObject, meant: MeantMembers): boolean {
  return read.size === meant.length && meant.every(([name, value]) => isSame(read.get(name), value));
}

function isSame(read: JsonValue | undefined, meant: Meant): boolean {
  if (typeof meant === 'string') return read === meant;
  // As it is written: no exponent, no fraction (JWT-10).
  if (typeof meant === 'number') return read instanceof JsonNumber && read.source === String(meant);
  if (meant instanceof Map) return read instanceof Map && saysExactly(read, [...meant]);
  const list = meant as readonly Meant[];
  return Array.isArray(read) && read.length === list.length && list.every((one, at) => isSame(read[at], one));
}

export const named = (name: string, value: Meant): [string, Meant] => [name, value];

function broken(part: 'header' | 'claims' | 'signature'): Failure {
  return new Failure('internal', 'SVID_SELF_CHECK', `the ${part} of a token was not what was meant`, { field: part });
}
