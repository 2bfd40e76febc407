// SPDX-License-Identifier: Apache-2.0
/**
 * Tokens by what was asked for. One is served until half of the life that it had left when it came is over, from then on
 * while it is renewed, and never when its end is near.
 */
import type { JwtSvid } from './jwt-svid.ts';

/** Different wishes that are remembered (I9); the one that was used longest ago gives way. */
export const CACHE_MAX = 256;
/** A token that ends sooner than this would end on its way, or this part of its life. */
const SPARE_MS = 5_000;
const SPARE_PART = 1 / 8;

export interface Cached {
  readonly svids: readonly JwtSvid[];
  /** Milliseconds UTC; moves when a renewal fails. */
  renewAt: number;
  /** From here on only if no other can be had. */
  readonly spareAt: number;
  readonly endsAt: number;
}

export class TokenCache {
  readonly #all = new Map<string, Cached>();

  get(key: string): Cached | undefined {
    const cached = this.#all.get(key);
    if (cached === undefined) return undefined;
    this.#all.delete(key);
    this.#all.set(key, cached);
    return cached;
  }

  put(key: string, svids: readonly JwtSvid[], now: number): void {
    const endsAt = Math.min(...svids.map(({ expiresAt }) => expiresAt));
    const left = endsAt - now;
    this.#all.delete(key);
    this.#all.set(key, {
      svids,
      renewAt: now + left / 2,
      spareAt: endsAt - Math.min(SPARE_MS, left * SPARE_PART),
      endsAt,
    });
    const [oldest] = this.#all.keys();
    // guard: I9 test/client/token-cache.test.ts
    if (this.#all.size > CACHE_MAX && oldest !== undefined) this.#all.delete(oldest);
  }

  delete(key: string): void {
    this.#all.delete(key);
  }

  /** Drops every answer that holds a token for which `keep` is false. */
  keepOnly(keep: (svid: JwtSvid) => boolean): void {
    for (const [key, { svids }] of this.#all) if (!svids.every(keep)) this.#all.delete(key);
  }
}
