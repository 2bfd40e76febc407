// SPDX-License-Identifier: Apache-2.0
/** Key identifiers: SHA-1 of the key's bits (RFC 5280 section 4.2.1.2, method 1). A name, not a proof. */
import { hash, type KeyObject } from 'node:crypto';
import { DerCursor, TAG } from './der.ts';
import { readBytesAsBits } from './der-values.ts';

export function skiOf(publicKey: KeyObject): Buffer {
  return skiOfSpki(publicKey.export({ type: 'spki', format: 'der' }));
}

export function skiOfSpki(spki: Buffer): Buffer {
  const info = new DerCursor(spki).enter(TAG.sequence, 'subjectPublicKeyInfo');
  info.expect(TAG.sequence, 'subjectPublicKeyInfo');
  return skiOfBits(readBytesAsBits(info, 'subjectPublicKey'));
}

export function skiOfBits(bits: Buffer): Buffer {
  return hash('sha1', bits, 'buffer');
}
