// SPDX-License-Identifier: Apache-2.0
/**
 * Is this token one of ours that stands? RFC 7662, and its taking back by its holder, RFC 7009; asked by whoever has an
 * X.509-SVID of our trust domain. What is not known here is not active, and why is not said (RFC 7662 section 2.2).
 */
import type { TrustDomain } from '../identity/trust-domain.ts';
import { inspectJwtSvid, type JwtSvidClaims } from '../jwt/svid.ts';
import { tokenId } from '../jwt/token-id.ts';
import type { KeysOf } from '../jwt/verify.ts';
import { Failure } from '../lib/failure.ts';
import { JsonNumber } from '../lib/json-text.ts';
import { type IssuanceRecord, subjectOf } from '../store/records.ts';
import type { RevocationStore } from '../store/revocations.ts';

export interface IntrospectionRooms {
  readonly trustDomain: TrustDomain;
  /** Of our own trust domain alone. */
  readonly keysOf: KeysOf;
  readonly issuances: { bySerial(serial: string): IssuanceRecord | undefined };
  readonly revocations: Pick<RevocationStore, 'revoke'>;
  /** A token that was taken back is presented, or asked about; `by`: a SPIFFE ID. */
  readonly replayed?: (what: {
    readonly kind: 'jwt';
    readonly serial: string;
    readonly identity: string;
    readonly by: string;
  }) => void;
  readonly clock: { now(): number };
}

export type Introspected = { readonly active: false } | ActiveToken;

/** RFC 7662 section 2.2; times in seconds. */
export interface ActiveToken {
  readonly active: true;
  readonly token_type: 'Bearer';
  readonly sub: string;
  /** The identity; of a token that was given in a task, the one that it lends. */
  readonly client_id: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat?: number;
  readonly iss?: string;
  readonly jti?: string;
  /** Of a token that was given in a task: its id, and what it declared that it will do. */
  readonly txn?: string;
  readonly scope?: string;
}

const INACTIVE = { active: false } as const;

export class Introspection {
  readonly #rooms: IntrospectionRooms;

  constructor(rooms: IntrospectionRooms) {
    this.#rooms = rooms;
  }

  /** `by`: the SPIFFE ID of whoever asks, where that is known. */
  introspect(token: string, by = 'somebody'): Introspected {
    const found = this.#find(token, by);
    if (found === undefined) return INACTIVE;
    const { spiffeId, audiences, expiresAt, claims } = found.said;
    const { spiffeId: identity, task } = found.row;
    const iat = claims.get('iat');
    const iss = claims.get('iss');
    const jti = claims.get('jti');
    const scope = claims.get('scope');
    return {
      active: true,
      token_type: 'Bearer',
      sub: spiffeId.toString(),
      client_id: identity,
      aud: audiences,
      exp: Math.floor(expiresAt / 1_000),
      ...(iat instanceof JsonNumber ? { iat: Number(iat.source) } : {}),
      ...(typeof iss === 'string' ? { iss } : {}),
      ...(typeof jti === 'string' ? { jti } : {}),
      ...(task === null ? {} : { txn: task }),
      ...(task !== null && typeof scope === 'string' ? { scope } : {}),
    };
  }

  /**
   * `refused` where the token is of somebody else; a token that is not active is taken back already, whoever asks
   * (RFC 7009 section 2.2).
   */
  async revoke(token: string, by: string): Promise<'done' | 'refused'> {
    const found = this.#find(token, undefined);
    if (found === undefined) return 'done';
    // guard: B8 test/introspection/introspection.test.ts
    if (found.said.spiffeId.toString() !== by) return 'refused';
    const scope = { what: 'serial', serial: found.row.serial } as const;
    await this.#rooms.revocations.revoke(scope, 'by its holder', by, this.#rooms.clock.now());
    return 'done';
  }

  /** `by`: whoever asks whether it stands; undefined for who takes it back, and does so twice. */
  #find(
    token: string,
    by: string | undefined,
  ): { readonly said: JwtSvidClaims; readonly row: IssuanceRecord } | undefined {
    const { trustDomain, keysOf, issuances, clock } = this.#rooms;
    const now = clock.now();
    let said: JwtSvidClaims;
    try {
      said = inspectJwtSvid(token, { keysOf, now });
    } catch (error) {
      if (error instanceof Failure) return undefined;
      throw error;
    }
    // guard: B8 test/introspection/introspection.test.ts
    if (!said.spiffeId.trustDomain.equals(trustDomain)) return undefined;
    const row = issuances.bySerial(tokenId(token, said.claims.get('jti')));
    // guard: B5 test/introspection/introspection.test.ts — signed by us, and not known: lost, or never written
    if (row === undefined || row.kind !== 'jwt' || subjectOf(row) !== said.spiffeId.toString()) return undefined;
    if (by !== undefined && row.revokedAt !== null && row.notAfter > now) {
      // guard: I7 test/introspection/introspection.test.ts — who still takes it is worth a look
      this.#rooms.replayed?.({ kind: 'jwt', serial: row.serial, identity: subjectOf(row), by });
    }
    // guard: I7 test/introspection/introspection.test.ts
    if (row.revokedAt !== null || row.notAfter <= now) return undefined;
    return { said, row };
  }
}
