// SPDX-License-Identifier: Apache-2.0
/**
 * Tokens for one process: out of its cache while they are fresh, otherwise signed and recorded (I3). One that is asked for in
 * the last half of its life is given at once and replaced behind the caller's back, so that the next call need not wait.
 */
import { ttlOfKindMs } from '../config/lifetimes.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Grant } from '../registry/match.ts';
import { isStale } from '../store/records.ts';
import type { CallerState } from './caller-state.ts';
import { marksOf } from './marks.ts';
import type { JwtRoom, Rooms } from './rooms.ts';
import { type CachedToken, TokenCache } from './token-cache.ts';

/** Parts of a token's life: from here on it is replaced, and from there on no longer given. */
const REPLACED_FROM = 1 / 2;
const STALE_FROM = 5 / 6;

export class TokenIssuer {
  readonly #rooms: Rooms;
  readonly #jwt: JwtRoom;
  readonly #process: ProcessHandle;
  readonly #cache: TokenCache;
  /** Tokens being replaced. */
  readonly #replacing = new Set<CachedToken>();
  #closed = false;

  constructor(rooms: Rooms, jwt: JwtRoom, process: ProcessHandle) {
    this.#rooms = rooms;
    this.#jwt = jwt;
    this.#process = process;
    this.#cache = new TokenCache((token) => this.#dropped(token));
  }

  /** One for each grant, in that order; undefined when what they were decided on has changed meanwhile. */
  async tokens(
    grants: readonly Grant[],
    audiences: readonly string[],
    state: CallerState,
  ): Promise<readonly CachedToken[] | undefined> {
    const found = grants.map((grant) => this.#fresh(grant, audiences, state));
    if (found.every((token) => token !== undefined)) return found;
    const outcomes = await Promise.allSettled(
      grants.map((grant, i) => found[i] ?? this.#issue(grant, audiences, state)),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    // Never a lesser answer: one that cannot be whole is refused whole (design decision 7).
    if (failed !== undefined && !isStale(failed.reason)) throw failed.reason;
    return failed === undefined
      ? outcomes.map((outcome) => (outcome as PromiseFulfilledResult<CachedToken>).value)
      : undefined;
  }

  close(): void {
    this.#closed = true;
    this.#cache.clear();
  }

  #fresh(grant: Grant, audiences: readonly string[], state: CallerState): CachedToken | undefined {
    const token = this.#cache.get(grant, audiences, this.#ttlMs(grant));
    // guard: I5 test/issuance/jwt-desk.test.ts — and so is one whose key no longer signs, or is not trusted any more
    if (token === undefined || token.authorityId !== this.#jwt.authority.active(audiences).authorityId)
      return undefined;
    // guard: I7 test/issuance/revocation.test.ts
    if (this.#rooms.revocations.isRevoked(token.serial)) return undefined;
    const life = token.notAfter - token.issuedAt;
    const age = this.#rooms.clock.now() - token.issuedAt;
    // guard: JWT-09 test/issuance/jwt-desk.test.ts — also when the clock went back
    if (age < 0 || age >= life * STALE_FROM) return undefined;
    if (age >= life * REPLACED_FROM) this.#replace(token, grant, audiences, state);
    return token;
  }

  #replace(token: CachedToken, grant: Grant, audiences: readonly string[], state: CallerState): void {
    if (this.#replacing.has(token)) return;
    this.#replacing.add(token);
    this.#issue(grant, audiences, state)
      .catch((error: unknown) => {
        if (!isStale(error)) this.#rooms.log.warn({ entry: grant.entry.id, err: error }, 'a token was not replaced');
      })
      .finally(() => this.#replacing.delete(token));
  }

  async #issue(grant: Grant, audiences: readonly string[], { attested }: CallerState): Promise<CachedToken> {
    const { entry, identity } = grant;
    const ttlMs = this.#ttlMs(grant);
    const issued = await this.#jwt.authority.mintToken({
      spiffeId: SpiffeId.parseWorkload(grant.subject),
      audiences,
      ttlMs,
      caps: [grant.endsAt],
      // One in a task always names itself: it is looked up, and taken back, by that.
      jti: entry.jwtJti || grant.lease !== undefined,
      more: grant.lease?.claims ?? [],
    });
    const { token: _, cutShortBy: __, ...row } = issued;
    // guard: I3 test/issuance/jwt-desk.test.ts — no token without its committed row
    const { seq } = await this.#rooms.ledger.record({
      ...row,
      kind: 'jwt',
      spiffeId: entry.spiffeId,
      entryId: entry.id,
      audiences,
      pid: this.#process.pid,
      uid: this.#process.uid,
      gid: this.#process.gid,
      startTime: this.#process.startTime.toString(),
      marks: marksOf(this.#process, grant, this.#rooms.settings),
      facts: JSON.stringify(attested?.facts ?? {}),
      task: grant.lease?.taskId ?? null,
      decidedOn: {
        entryId: entry.id,
        entryRevision: entry.revision,
        identityRevision: identity.revision,
        authorityId: issued.authorityId,
      },
    });
    const decided = { entryRevision: entry.revision, identityRevision: identity.revision, ttlMs };
    const token: CachedToken = { ...issued, ...decided, seq, delivered: false };
    this.#keep(grant, audiences, token);
    return token;
  }

  #keep(grant: Grant, audiences: readonly string[], token: CachedToken): void {
    if (this.#closed) {
      this.#dropped(token);
      return;
    }
    // guard: JWT-12 test/issuance/jwt-desk.test.ts — a token that names itself is given once
    if (grant.entry.jwtJti) return;
    this.#cache.put(grant, audiences, token);
  }

  #ttlMs({ entry, identity, lease }: Grant): number {
    const askedMs = entry.jwtTtlSeconds === null ? this.#jwt.ttlMs : entry.jwtTtlSeconds * 1000;
    const ttlMs = ttlOfKindMs(askedMs, identity.kind, this.#rooms.settings.legacyMaxTtlMs);
    return Math.min(ttlMs, lease?.jwtTtlMs ?? Infinity);
  }

  #dropped(token: CachedToken): void {
    if (token.delivered) return;
    this.#rooms.ledger.markUndelivered(token.seq, 'nobody came for it').catch((error: unknown) => {
      this.#rooms.log.warn({ seq: token.seq, err: error }, 'a token that was never sent could not be marked so');
    });
  }
}
