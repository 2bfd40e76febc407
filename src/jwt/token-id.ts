// SPDX-License-Identifier: Apache-2.0
/** What a token is called in the rows of what was issued: its `jti`, or without one its SHA-256, lower-case hex. */
import { createHash } from 'node:crypto';

export function tokenId(token: string, jti: unknown): string {
  return typeof jti === 'string' ? jti : createHash('sha256').update(token).digest('hex');
}
