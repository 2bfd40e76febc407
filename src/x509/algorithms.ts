// SPDX-License-Identifier: Apache-2.0
/** What each key type means in a certificate: its signature's identifier and hash, its curve or length. */
import type { KeyObject } from 'node:crypto';
import type { KeyType } from './types.ts';

export interface SignatureKind {
  /** AlgorithmIdentifier, DER (RFC 5758 section 3.2, RFC 4055 section 5). */
  readonly identifier: Buffer;
  readonly hash: 'sha256' | 'sha384';
}

const ECDSA_SHA256: SignatureKind = { identifier: Buffer.from('300a06082a8648ce3d040302', 'hex'), hash: 'sha256' };
const ECDSA_SHA384: SignatureKind = { identifier: Buffer.from('300a06082a8648ce3d040303', 'hex'), hash: 'sha384' };
const RSA_SHA256: SignatureKind = { identifier: Buffer.from('300d06092a864886f70d01010b0500', 'hex'), hash: 'sha256' };

/** How a CA key of `type` signs. */
export function signatureKindOf(type: KeyType): SignatureKind {
  switch (type) {
    case 'ec-p256':
      return ECDSA_SHA256;
    case 'ec-p384':
      return ECDSA_SHA384;
    case 'rsa-2048':
    case 'rsa-4096':
      return RSA_SHA256;
  }
}

/** The type a public key really has, or undefined when it is none of ours. */
export function keyTypeOf(key: KeyObject): KeyType | undefined {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') {
    return namedCurve === 'prime256v1' ? 'ec-p256' : namedCurve === 'secp384r1' ? 'ec-p384' : undefined;
  }
  if (key.asymmetricKeyType !== 'rsa') return undefined;
  return modulusLength === 2048 ? 'rsa-2048' : modulusLength === 4096 ? 'rsa-4096' : undefined;
}
