// SPDX-License-Identifier: Apache-2.0
/** Signs JWT-SVIDs with one key. Each is read again and compared before it is handed on; its signature is verified for the first one and a sample (I2). */
import { createHash } from 'node:crypto';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { JwsAlgorithm } from '../jwt/algorithms.ts';
import { mintJwtSvid } from '../jwt/mint.ts';
import type { AuthorityRecord } from '../store/records.ts';
import type { AuthorityKey } from './key-manager.ts';

export interface TokenFields {
  readonly spiffeId: SpiffeId;
  readonly audiences: readonly string[];
  /** Milliseconds UTC, whole seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly issuer: string | undefined;
  readonly jti: string | undefined;
}

/** One signature in this many is verified; that costs about as much as signing. */
const SAMPLE = 64;

export class TokenSigner {
  readonly authorityId: string;
  /** Milliseconds UTC; no token outlives it. */
  readonly notAfter: number;
  readonly #key: AuthorityKey;
  readonly #algorithm: JwsAlgorithm;
  #signed = 0;

  constructor({ id, notAfter }: AuthorityRecord, key: AuthorityKey, algorithm: JwsAlgorithm) {
    this.authorityId = id;
    this.notAfter = notAfter;
    this.#key = key;
    this.#algorithm = algorithm;
  }

  /** Signs the same bytes in the same way each time. */
  get isDeterministic(): boolean {
    return this.#algorithm.startsWith('RS');
  }

  async sign(fields: TokenFields): Promise<{ readonly token: string; readonly serial: string }> {
    const isSampled = this.#signed % SAMPLE === 0;
    this.#signed += 1;
    const { issuer, jti, ...rest } = fields;
    const token = await mintJwtSvid({
      ...rest,
      ...(issuer === undefined ? {} : { issuer }),
      ...(jti === undefined ? {} : { jti }),
      alg: this.#algorithm,
      kid: this.authorityId,
      sign: (input) => this.#key.signJws(this.#algorithm, input),
      ...(isSampled ? { verifyWith: this.#key.publicKey } : {}),
    });
    return { token, serial: jti ?? createHash('sha256').update(token).digest('hex') };
  }
}
