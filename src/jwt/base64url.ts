// SPDX-License-Identifier: Apache-2.0
/** base64url without padding (RFC 7515 section 2), in its one canonical spelling. */

/**
 * Undefined for anything that is not exactly what encoding the result gives back: padding, white space, other characters, a
 * length that no bytes have, bits behind the last byte. One token has one spelling.
 */
export function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  // guard: JWT-01 test/jwt/token.test.ts — Node skips what it does not know, a newline too
  if (bytes.toString('base64url') !== text) return undefined;
  return bytes;
}
