// SPDX-License-Identifier: Apache-2.0
/**
 * The authority of one kind of token: signs JWT-SVIDs, or as one of its own WIT-SVIDs, with the active key, and keeps the keys
 * of that kind in our own bundle.
 * `onChange` listeners run synchronously after a step is durable, and find the new state here.
 */
import { cappedTtlMs } from '../config/lifetimes.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { JwsAlgorithm } from '../jwt/algorithms.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import { BACKDATE_MS, leafEnd } from '../rotation/schedule.ts';
import type { AuthorityRecord, JwtKeyRecord } from '../store/records.ts';
import type { AuthorityStore } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ClockGuard } from './clock-guard.ts';
import type { AuthorityHealth } from './health.ts';
import type { AuthorityKeyType, KeyManager, TokenPurpose } from './key-manager.ts';
import { type AuthorityView, KeyRotation } from './key-rotation.ts';
import { distrustedSince } from './slots.ts';
import { type TokenContent, TokenSigner } from './token-signer.ts';

export interface JwtAuthorityOptions {
  /** Which tokens; `jwt` unless told. */
  readonly kind?: TokenPurpose;
  readonly store: AuthorityStore;
  readonly keyManager: KeyManager;
  /** As the CA's: one life for all authorities. */
  readonly caTtlMs: number;
  readonly keyType: AuthorityKeyType;
  /** RSA keys sign with PS256, and otherwise with RS256. */
  readonly pss: boolean;
  /** The `iss` of tokens, once something answers under it. None for WIT-SVIDs (WIT-13). */
  readonly issuer: string | undefined;
  readonly guard: ClockGuard;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Of a JWT-SVID or a WIT-SVID, as the authority is. */
export type TokenRequest = TokenContent & {
  readonly spiffeId: SpiffeId;
  readonly ttlMs: number;
  /** Instants that the token must not outlive: the ends of entry and identity. */
  readonly caps: readonly number[];
  /** The token names itself: two of them are never the same. */
  readonly jti: boolean;
};

export interface IssuedToken {
  readonly token: string;
  /** Lower-case hex: the `jti`, or the SHA-256 of the token. */
  readonly serial: string;
  readonly authorityId: string;
  /** Milliseconds UTC; whole seconds but for `issuedAt`. */
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly askedTtlMs: number;
  /** As of an `IssuedLeaf`. */
  readonly cutShortBy: number | undefined;
}

/** JWT-20, JWT-14: the hash fits the curve. */
const ALGORITHMS: Readonly<Record<AuthorityKeyType, JwsAlgorithm>> = {
  'ec-p256': 'ES256',
  'ec-p384': 'ES384',
  'ec-p521': 'ES512',
  'rsa-2048': 'RS256',
  'rsa-4096': 'RS256',
};
const SECOND = 1000;

export class JwtAuthority {
  readonly #opts: JwtAuthorityOptions;
  readonly #rotation: KeyRotation;
  readonly #listeners = new Set<() => void>();
  #signer: TokenSigner | undefined;
  #keys: readonly JwtKeyRecord[] = [];

  /** As `X509Authority.start`. */
  static async start(opts: JwtAuthorityOptions): Promise<JwtAuthority> {
    const rotation = await KeyRotation.load({
      ...opts,
      kind: opts.kind ?? 'jwt',
      ttlMs: opts.caTtlMs,
      publish: (key) => key.publicKey.export({ type: 'spki', format: 'der' }),
    });
    const authority = new JwtAuthority(opts, rotation);
    await rotation.begin(() => authority.#step());
    return authority;
  }

  private constructor(opts: JwtAuthorityOptions, rotation: KeyRotation) {
    this.#opts = opts;
    this.#rotation = rotation;
    this.#swap();
  }

  /** Every key that a valid token of ours may carry, oldest first. The same array until it changes. */
  keys(): readonly JwtKeyRecord[] {
    return this.#keys;
  }

  /** Throws Failure('unavailable') when no key can sign. */
  active(): { readonly authorityId: string } {
    return this.#signing();
  }

  /** As `slots.ts` says. */
  distrustedSince(authorityId: string): number | undefined {
    return distrustedSince(this.#rotation.records, authorityId);
  }

  get refreshHintSeconds(): number {
    return this.#rotation.refreshHintSeconds;
  }

  /**
   * Nothing has been recorded when this resolves: the caller records the issuance before the token leaves (I3). Refuses
   * when the clock went back (I8), or the end has come of what the token must not outlive.
   */
  async mintToken(request: TokenRequest): Promise<IssuedToken> {
    const { guard, clock, random, issuer, caTtlMs } = this.#opts;
    const refusal = guard.check();
    // guard: I8 test/authority/jwt-authority.test.ts
    if (refusal !== undefined) throw refusal;
    const signer = this.#signing();
    const now = clock.now();
    const issuedAt = Math.floor(now / SECOND) * SECOND;
    const { notAfter, cutShortBy } = leafEnd(now, cappedTtlMs(request.ttlMs, caTtlMs), [
      ...request.caps,
      signer.notAfter,
    ]);
    // guard: I5 test/authority/jwt-authority.test.ts
    if (notAfter <= now) throw ended(notAfter);
    const { ttlMs, caps: _, jti: named, ...fields } = request;
    // The standard's remedy for verifiers whose clock is a little slow; a JWT-SVID has no nbf.
    const notBefore = 'confirms' in request ? issuedAt - BACKDATE_MS : issuedAt;
    // RSASSA-PKCS1-v1_5 gives the same token for the same claims within a second; a row is one token's.
    const jti = named || signer.isDeterministic ? random.bytes(16).toString('hex') : undefined;
    const { token, serial } = await signer.sign({ ...fields, issuedAt, notBefore, expiresAt: notAfter, issuer, jti });
    const { authorityId } = signer;
    return { token, serial, authorityId, issuedAt: now, notBefore, notAfter, askedTtlMs: ttlMs, cutShortBy };
  }

  health(): AuthorityHealth {
    return this.#rotation.health();
  }

  show(): AuthorityView {
    return this.#rotation.show();
  }

  prepare(by: string): Promise<string> {
    return this.#rotation.prepare(by);
  }

  activate(opts: { readonly now: boolean; readonly by: string }): Promise<string> {
    return this.#rotation.activate(opts);
  }

  /** Has all that this old authority signed issued anew. */
  taint(opts: { readonly id: string; readonly by: string }): Promise<AuthorityRecord> {
    return this.#rotation.taint(opts);
  }

  /** Takes a tainted authority out of the bundle. While what it signed is still valid this needs `force: true`. */
  revoke(opts: { readonly id: string; readonly force: boolean; readonly by: string }): Promise<AuthorityRecord> {
    return this.#rotation.revoke(opts);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#rotation.close();
  }

  #signing(): TokenSigner {
    const signer = this.#signer;
    const kind = this.#opts.kind ?? 'jwt';
    if (signer === undefined)
      throw new Failure(
        'unavailable',
        'NO_ACTIVE_AUTHORITY',
        `no key for ${kind.toUpperCase()}-SVIDs can sign at present`,
        { hint: `\`assay authority ${kind} show\` tells what is wrong` },
      );
    // guard: I5 test/authority/jwt-authority.test.ts
    if (this.#opts.clock.now() >= signer.notAfter)
      throw new Failure(
        'unavailable',
        'AUTHORITY_EXPIRED',
        `the ${kind.toUpperCase()} key ${signer.authorityId} has expired`,
        {
          hint: `\`assay authority ${kind} show\` tells why it has no successor`,
        },
      );
    return signer;
  }

  #step(): void {
    this.#swap();
    for (const listener of [...this.#listeners]) listener();
  }

  #swap(): void {
    const { records, active } = this.#rotation;
    const keys = [...records]
      .sort((a, b) => a.preparedAt - b.preparedAt || (a.id < b.id ? -1 : 1))
      .map(({ id, published }): JwtKeyRecord => ({ kid: id, publicKey: published }));
    if (keys.map(({ kid }) => kid).join() !== this.#keys.map(({ kid }) => kid).join()) this.#keys = keys;
    if (active?.record.id === this.#signer?.authorityId) return;
    this.#signer =
      active && new TokenSigner(active.record, this.#opts.kind ?? 'jwt', active.key, this.#algorithm(active.key.type));
  }

  #algorithm(type: AuthorityKeyType): JwsAlgorithm {
    const algorithm = ALGORITHMS[type];
    return algorithm === 'RS256' && this.#opts.pss ? 'PS256' : algorithm;
  }
}

function ended(at: number): Failure {
  const end = new Date(at).toISOString();
  return new Failure(
    'unavailable',
    'IDENTITY_ENDING',
    `nothing is left to issue: what the token rests on ends at ${end}`,
  );
}
