// SPDX-License-Identifier: Apache-2.0
/** Finds the key of an authority and proves that it is its key. */
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { Failure } from '../lib/failure.ts';
import type { AuthorityRecord } from '../store/records.ts';
import type { AuthorityKey, KeyManager } from './key-manager.ts';

/** Undefined when the key manager does not hold it; a Failure when it holds another key under that name. */
export async function keyOf(record: AuthorityRecord, keyManager: KeyManager): Promise<AuthorityKey | undefined> {
  const key = await keyManager.get(record.keyRef);
  if (key === undefined) return undefined;
  // guard: I2 test/authority/restart-disk.test.ts — else every SVID would carry a signature that no verifier accepts
  if (key.purpose !== record.kind || !publicKeyOf(record).equals(key.publicKey))
    throw new Failure(
      'failed-precondition',
      'AUTHORITY_KEY_MISMATCH',
      `the key ${key.ref} is not the key of the authority ${record.id}`,
      { hint: 'put the right key file back, or move it away to start with a new root that nobody trusts yet' },
    );
  return key;
}

function publicKeyOf({ kind, published }: AuthorityRecord): KeyObject {
  if (kind === 'x509') return new X509Certificate(published).publicKey;
  return createPublicKey({ key: published, format: 'der', type: 'spki' });
}
