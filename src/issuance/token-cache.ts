// SPDX-License-Identifier: Apache-2.0
/**
 * JWT-SVIDs that one process may be given again: by entry and by the audiences asked for, as they were asked for. What a token
 * was decided on is kept with it, and it is given again only while all of that stands.
 */
import type { IssuedToken } from '../authority/jwt-authority.ts';
import type { Grant } from '../registry/match.ts';

export interface CachedToken extends IssuedToken {
  readonly seq: number;
  readonly entryRevision: number;
  readonly identityRevision: number;
  readonly ttlMs: number;
  delivered: boolean;
}

/** Per process (I9): sets of audiences, the one longest unasked for goes first. */
export const MOST_TOKENS = 64;

export class TokenCache {
  /** In the order of their last use. */
  readonly #tokens = new Map<string, CachedToken>();
  readonly #left: (token: CachedToken) => void;

  /** `left` hears of each token that goes. */
  constructor(left: (token: CachedToken) => void) {
    this.#left = left;
  }

  /** Undefined when there is none that was decided on just this. */
  get(grant: Grant, audiences: readonly string[], ttlMs: number): CachedToken | undefined {
    const key = keyOf(grant, audiences);
    const token = this.#tokens.get(key);
    if (token === undefined) return undefined;
    this.#tokens.delete(key);
    // guard: I1 test/issuance/token-cache.test.ts
    if (!isOf(token, grant, ttlMs)) {
      this.#left(token);
      return undefined;
    }
    this.#tokens.set(key, token);
    return token;
  }

  put(grant: Grant, audiences: readonly string[], token: CachedToken): void {
    const key = keyOf(grant, audiences);
    const before = this.#tokens.get(key);
    if (before !== undefined) this.#left(before);
    this.#tokens.delete(key);
    this.#tokens.set(key, token);
    if (this.#tokens.size <= MOST_TOKENS) return;
    const [[oldest, dropped]] = this.#tokens as unknown as [[string, CachedToken]];
    this.#tokens.delete(oldest);
    this.#left(dropped);
  }

  clear(): void {
    for (const token of this.#tokens.values()) this.#left(token);
    this.#tokens.clear();
  }
}

function keyOf({ entry, lease }: Grant, audiences: readonly string[]): string {
  return JSON.stringify([entry.id, lease?.taskId ?? null, ...audiences]);
}

function isOf(token: CachedToken, { entry, identity, endsAt }: Grant, ttlMs: number): boolean {
  return (
    token.entryRevision === entry.revision &&
    token.identityRevision === identity.revision &&
    token.ttlMs === ttlMs &&
    token.notAfter <= endsAt
  );
}
