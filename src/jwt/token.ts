// SPDX-License-Identifier: Apache-2.0
/**
 * JWS Compact Serialization (RFC 7515 section 3.1): three parts, each in its one spelling, header and payload JSON objects in
 * which nothing is named twice. No JSON serialization, no encryption, no unencoded payload (JWT-01). What a refusal says
 * never holds the token or a piece of it (I10).
 */
import type { Failure } from '../lib/failure.ts';
import { type JsonValue, parseJsonText } from '../lib/json-text.ts';
import { fromBase64url } from './base64url.ts';
import { tokenRefused } from './token-refusal.ts';

export type JsonObject = ReadonlyMap<string, JsonValue>;

/** I9. Room for a SPIFFE ID of 2048 bytes, an audience list of several kilobytes, and the largest RSA signature. */
export const TOKEN_MAX_BYTES = 16_384;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A token of which only the header has been read; the rest waits until somebody has looked at that. */
export interface OpenedToken {
  readonly header: JsonObject;
  readonly payloadPart: string;
  readonly signaturePart: string;
  /** What the signature is over. */
  readonly signingInput: Buffer;
}

/** Header and payload as they are signed. */
export function signingInputOf(header: object, claims: object): string {
  return `${encodePart(header)}.${encodePart(claims)}`;
}

export function openToken(token: string): OpenedToken {
  // guard: I9 test/jwt/token.test.ts — before any other work
  if (token.length > TOKEN_MAX_BYTES) throw malformed(`it is longer than ${TOKEN_MAX_BYTES} bytes`);
  const parts = token.split('.');
  // guard: JWT-01 test/jwt/token.test.ts — JSON serialization has other parts, JWE five
  if (parts.length !== 3) throw malformed('it is not three parts with dots between them');
  const [headerPart, payloadPart, signaturePart] = parts as [string, string, string];
  return {
    header: readObject(headerPart, 'header'),
    payloadPart,
    signaturePart,
    signingInput: Buffer.from(`${headerPart}.${payloadPart}`, 'latin1'),
  };
}

export function claimsOf(opened: OpenedToken): JsonObject {
  return readObject(opened.payloadPart, 'payload');
}

export function signatureOf(opened: OpenedToken): Buffer {
  const signature = fromBase64url(opened.signaturePart);
  // guard: JWT-01 test/jwt/token.test.ts
  if (signature === undefined || signature.length === 0) throw malformed('its signature is not base64url');
  return signature;
}

function readObject(part: string, name: 'header' | 'payload'): JsonObject {
  const bytes = fromBase64url(part);
  if (bytes === undefined) throw malformed(`its ${name} is not base64url`);
  const value = readJson(bytes, name);
  // guard: JWT-01 test/jwt/token.test.ts
  if (!(value instanceof Map)) throw malformed(`its ${name} is not a JSON object`);
  return value;
}

/** The reader's own words would show names out of the token. */
function readJson(bytes: Buffer, name: string): JsonValue {
  try {
    return parseJsonText(utf8.decode(bytes), name);
  } catch {
    throw malformed(`its ${name} is not JSON in UTF-8, or names something twice`);
  }
}

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function malformed(broken: string): Failure {
  return tokenRefused('JWT_MALFORMED', broken);
}
