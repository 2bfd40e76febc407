// SPDX-License-Identifier: Apache-2.0
/** Whether two certificates stand for one key, whoever signed them and however the key is written in each. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { parseCertificate } from './parse.ts';

export interface CertifiedKey {
  readonly bits: Buffer;
  /** Undefined: of a kind that OpenSSL cannot read. */
  readonly key: KeyObject | undefined;
}

export function certifiedKey(certificateDer: Buffer): CertifiedKey {
  const { publicKeyBits, spki } = parseCertificate(certificateDer);
  try {
    return { bits: publicKeyBits, key: createPublicKey({ key: spki, format: 'der', type: 'spki' }) };
  } catch {
    return { bits: publicKeyBits, key: undefined };
  }
}

/** The same bits under another algorithm's name (RFC 4055 section 1.2), or the same point compressed (RFC 5480 section 2.2). */
export function isSameKey(a: CertifiedKey, b: CertifiedKey): boolean {
  // guard: BUN-13 test/registry/foreign-bundles.test.ts
  return a.bits.equals(b.bits) || (a.key !== undefined && b.key !== undefined && a.key.equals(b.key));
}
