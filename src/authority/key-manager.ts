// SPDX-License-Identifier: Apache-2.0
/** Where the keys of authorities live. Implementations: `keys/memory.ts`, `keys/disk.ts`. */
import type { KeyObject } from 'node:crypto';
import type { JwsAlgorithm } from '../jwt/algorithms.ts';
import type { AuthorityKind } from '../store/records.ts';

export type KeyPurpose = AuthorityKind;
/** Keys for tokens: what one kind's keys sign, the other's do not (WIT-18). */
export type TokenPurpose = Exclude<KeyPurpose, 'x509'>;

/** Of a key's name: all before the last dash, so that no purpose is taken for another one that begins like it. */
export function purposeOf(ref: string): string {
  return ref.slice(0, Math.max(0, ref.lastIndexOf('-')));
}

export type CaKeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-4096';

export type AuthorityKeyType = CaKeyType | 'ec-p521';

export interface AuthorityKey {
  /** Stable name that begins with its purpose; kept in the authority's row. */
  readonly ref: string;
  readonly purpose: KeyPurpose;
  readonly type: AuthorityKeyType;
  readonly publicKey: KeyObject;
  /** X.509 signature over `tbs` with the type's own hash (SHA-256; SHA-384 for P-384); ECDSA as DER. */
  sign(tbs: Buffer): Buffer | Promise<Buffer>;
  /** JWS signature (RFC 7518 section 3) over the signing input of a token, a JWT-SVID unless told; ECDSA as R and S. */
  signJws(algorithm: JwsAlgorithm, input: Buffer, purpose?: TokenPurpose): Buffer | Promise<Buffer>;
}

export interface KeyManager {
  readonly name: 'memory' | 'disk';
  /** Makes and (disk) durably stores a new key before it resolves. */
  generate(purpose: KeyPurpose, type: AuthorityKeyType): Promise<AuthorityKey>;
  /** Undefined when this manager does not hold it (memory keys after a restart). */
  get(ref: string): Promise<AuthorityKey | undefined>;
  list(): Promise<readonly string[]>;
  remove(ref: string): Promise<void>;
}
