// SPDX-License-Identifier: Apache-2.0
/** A private key in this process as an `AuthorityKey`: it signs and has no printable form. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { signJws } from '../../jwt/algorithms.ts';
import { Failure } from '../../lib/failure.ts';
import type { Random } from '../../lib/random.ts';
import {
  type AuthorityKey,
  type AuthorityKeyType,
  type KeyPurpose,
  purposeOf,
  type TokenPurpose,
} from '../key-manager.ts';

/** Random, so that a name is never used twice, whatever happened to the file of the same name. */
export function newKeyRef(purpose: KeyPurpose, random: Random): string {
  return `${purpose}-${random.bytes(12).toString('hex')}`;
}

export function authorityKeyOf(ref: string, type: AuthorityKeyType, privateKey: KeyObject): AuthorityKey {
  const hash = type === 'ec-p384' ? 'sha384' : 'sha256';
  // An EC signature takes tens of microseconds, less than a trip to the thread pool; an RSA-4096 one takes milliseconds.
  const offLoop = type === 'rsa-2048' || type === 'rsa-4096';
  const purpose = purposeOf(ref) as KeyPurpose;
  return {
    ref,
    purpose,
    type,
    publicKey: createPublicKey(privateKey),
    sign(tbs) {
      // guard: B8 test/authority/key-purpose.test.ts — one key signs one kind of thing
      if (purpose !== 'x509') throw otherPurpose(ref);
      return offLoop ? signOffLoop(hash, tbs, privateKey) : sign(hash, tbs, privateKey);
    },
    signJws(algorithm, input, asked: TokenPurpose = 'jwt') {
      // guard: B8 test/authority/key-purpose.test.ts
      if (purpose !== asked) throw otherPurpose(ref);
      return signJws(algorithm, privateKey, input);
    },
  };
}

function otherPurpose(ref: string): Failure {
  return new Failure('internal', 'KEY_PURPOSE', `the key ${ref} signs nothing of this kind`);
}

function signOffLoop(hash: string, tbs: Buffer, privateKey: KeyObject): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign(hash, tbs, privateKey, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
}

/** What `key` is, or undefined when it is none of these types. */
export function keyTypeOf(key: KeyObject): AuthorityKeyType | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ec') {
    if (details?.namedCurve === 'prime256v1') return 'ec-p256';
    if (details?.namedCurve === 'secp384r1') return 'ec-p384';
    if (details?.namedCurve === 'secp521r1') return 'ec-p521';
  }
  if (key.asymmetricKeyType === 'rsa') {
    if (details?.modulusLength === 2048) return 'rsa-2048';
    if (details?.modulusLength === 4096) return 'rsa-4096';
  }
  return undefined;
}
