// SPDX-License-Identifier: Apache-2.0
/** The registered claims of a token, read strictly: a claim of the wrong type is refused, not converted. */
import { SpiffeId } from '../identity/spiffe-id.ts';
import { JsonNumber, type JsonValue } from '../lib/json-text.ts';
import type { JsonObject } from './token.ts';
import { tokenRefused } from './token-refusal.ts';

/** 9999-12-31T23:59:59Z: later is a mistake, and no date of ECMAScript is far beyond it. */
const LATEST_SECONDS = 253_402_300_799;

/** JWT-06. */
export function readSubject(claims: JsonObject): SpiffeId {
  try {
    return SpiffeId.parseWorkload(claims.get('sub'), 'sub');
  } catch {
    throw tokenRefused('JWT_SUBJECT', 'its sub is not the SPIFFE ID of a workload');
  }
}

/** JWT-07, JWT-08, AMB-02: a string or a list of strings, and ours among them, unless nobody says which is ours. */
export function checkAudience(claims: JsonObject, audience: string | undefined): readonly string[] {
  const aud: unknown = claims.get('aud');
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  // guard: JWT-07 test/jwt/svid-claims.test.ts
  if (!areNames(audiences)) throw tokenRefused('JWT_AUDIENCE_MISSING', 'its aud is not one or more names');
  // guard: JWT-08 test/jwt/svid-claims.test.ts — an empty name of ours would be found in nobody's list
  if (audience !== undefined && (audience === '' || !audiences.includes(audience)))
    throw tokenRefused('JWT_AUDIENCE', 'it is meant for another audience');
  return audiences;
}

export interface TokenTimes {
  /** Milliseconds UTC. */
  readonly expiresAt: number;
}

/**
 * JWT-09, JWT-12. On or after `exp` a token is refused (RFC 7519 section 4.1.4), give or take the leeway; before its `nbf` too, and before
 * its `iat` where the kind of token has that decide anything.
 */
export function checkTimes(
  claims: JsonObject,
  now: number,
  leewayMs: number,
  begins: readonly string[] = ['nbf', 'iat'],
): TokenTimes {
  const expiresAt = readTime(claims, 'exp');
  // guard: JWT-09 test/jwt/svid-claims.test.ts
  if (expiresAt === undefined) throw tokenRefused('JWT_EXPIRY_MISSING', 'it has no exp');
  // guard: JWT-09 test/jwt/svid-claims.test.ts
  if (now >= expiresAt + leewayMs) throw tokenRefused('JWT_EXPIRED', 'it has expired');
  for (const name of ['nbf', 'iat'] as const) {
    const from = readTime(claims, name);
    // guard: JWT-12 test/jwt/svid-claims.test.ts
    if (from !== undefined && begins.includes(name) && from > now + leewayMs)
      throw tokenRefused('JWT_NOT_YET_VALID', `its ${name} is ahead of the clock`);
  }
  return { expiresAt };
}

/** A NumericDate (RFC 7519 section 2), which may have a fraction, in milliseconds. */
function readTime(claims: JsonObject, name: string): number | undefined {
  const value: JsonValue | undefined = claims.get(name);
  if (value === undefined) return undefined;
  const seconds = value instanceof JsonNumber ? Number(value.source) : Number.NaN;
  // guard: JWT-09 test/jwt/svid-claims.test.ts — the text "123" is no time
  if (!(Math.abs(seconds) <= LATEST_SECONDS)) throw tokenRefused('JWT_TIME', `its ${name} is not a number of seconds`);
  return seconds * 1000;
}

function areNames(values: readonly unknown[]): values is readonly string[] {
  return values.length > 0 && values.every((value) => typeof value === 'string' && value !== '');
}
