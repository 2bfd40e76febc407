// SPDX-License-Identifier: Apache-2.0
/** What the rooms above exchange with this one. Nothing here knows where a key lives. */

/** The key kinds a CA or a workload may have. */
export type KeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-4096';
export type CaKeyType = KeyType;
export type WorkloadKeyType = KeyType;

/** What `buildSelfSignedCa` needs of a CA key; the key manager's `CaKey` is one. */
export interface SigningKey {
  readonly type: CaKeyType;
  readonly publicKey: import('node:crypto').KeyObject;
  /** X.509 signature over `tbs` with the type's own hash (SHA-256; SHA-384 for P-384); ECDSA as DER. */
  sign(tbs: Buffer): Buffer | Promise<Buffer>;
}

/** An authority that signs leaves now. Immutable: a new CA is a new Signer. */
export interface Signer {
  /** Lower-case hex of `ski`. */
  readonly authorityId: string;
  readonly certificateDer: Buffer;
  /** The certificate's subject, as encoded there. */
  readonly subjectDer: Buffer;
  /** The certificate's subject key identifier. */
  readonly ski: Buffer;
  /** Milliseconds UTC; nothing it signs lives longer (I5). */
  readonly notAfter: number;
  readonly keyType: CaKeyType;
  /** As `SigningKey.sign`. Must not change `tbs`. */
  sign(tbs: Buffer): Buffer | Promise<Buffer>;
}

/** A workload's certificate with its key; the key has no other copy (decision 16). */
export interface MintedLeaf {
  readonly certificateDer: Buffer;
  readonly privateKeyPkcs8: Buffer;
  /** Lower-case hex, 16 bytes. */
  readonly serial: string;
  /** Milliseconds UTC, whole seconds, as are all dates in certificates. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
}
