// SPDX-License-Identifier: Apache-2.0
/** Signs JWT-SVIDs or WIT-SVIDs with one key. Each is read again and compared before it is handed on; its signature is verified for the first one and a sample (I2). */
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { JwsAlgorithm } from '../jwt/algorithms.ts';
import { mintJwtSvid } from '../jwt/mint.ts';
import type { MeantMembers } from '../jwt/mint-check.ts';
import { tokenId } from '../jwt/token-id.ts';
import type { HolderJwk } from '../jwt/wit-key.ts';
import { mintWitSvid } from '../jwt/wit-mint.ts';
import { Failure } from '../lib/failure.ts';
import type { AuthorityRecord } from '../store/records.ts';
import type { AuthorityKey, TokenPurpose } from './key-manager.ts';

/** Of a JWT-SVID its audiences, at least one; of a WIT-SVID the key that its holder has to prove. */
export type TokenContent =
  | { readonly audiences: readonly string[]; readonly more?: MeantMembers }
  | { readonly confirms: HolderJwk };

export type TokenFields = TokenContent & {
  readonly spiffeId: SpiffeId;
  readonly notBefore: number;
  /** Milliseconds UTC, whole seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly issuer: string | undefined;
  readonly jti: string | undefined;
};

/** One signature in this many is verified; that costs about as much as signing. */
const SAMPLE = 64;

export class TokenSigner {
  readonly authorityId: string;
  /** Milliseconds UTC; no token outlives it. */
  readonly notAfter: number;
  readonly #kind: TokenPurpose;
  readonly #key: AuthorityKey;
  readonly #algorithm: JwsAlgorithm;
  #signed = 0;

  constructor({ id, notAfter }: AuthorityRecord, kind: TokenPurpose, key: AuthorityKey, algorithm: JwsAlgorithm) {
    this.authorityId = id;
    this.notAfter = notAfter;
    this.#kind = kind;
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
    const isWit = 'confirms' in rest;
    // guard: WIT-18 test/authority/wit-authority.test.ts
    if (isWit !== (this.#kind === 'wit'))
      throw new Failure('internal', 'SIGNER_UNFIT', 'the key is for another kind of token');
    const how = {
      ...(issuer === undefined ? {} : { issuer }),
      ...(jti === undefined ? {} : { jti }),
      alg: this.#algorithm,
      kid: this.authorityId,
      sign: (input: Buffer) => this.#key.signJws(this.#algorithm, input, this.#kind),
      ...(isSampled ? { verifyWith: this.#key.publicKey } : {}),
    };
    const token = await ('confirms' in rest ? mintWitSvid({ ...rest, ...how }) : mintJwtSvid({ ...rest, ...how }));
    return { token, serial: tokenId(token, jti) };
  }
}
