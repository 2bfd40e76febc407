// SPDX-License-Identifier: Apache-2.0
/**
 * JWT-SVIDs of this process for whatever audience, and the JWT bundles it may verify with. Tokens are remembered and renewed at
 * half of their life; the daemon may restart meanwhile. It keeps the process alive until `close()`.
 */
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { JwtKey } from '../jwt/key.ts';
import { Failure } from '../lib/failure.ts';
import { systemRandom } from '../lib/random.ts';
import { jwtBundleWords } from './bundle-source.ts';
import { type Bundles, readJwtBundles } from './bundle-state.ts';
import { parseEndpoint } from './endpoint.ts';
import { Followed, type SourceOptions, type SourceStatus } from './followed.ts';
import type { JwtSvid } from './jwt-svid.ts';
import { type JwtTrust, nameOf } from './jwt-trust.ts';
import { Listeners } from './listeners.ts';
import { type Cached, TokenCache } from './token-cache.ts';
import { TokenFetch } from './token-fetch.ts';
import type { JwtSvidRequest, WireJwtBundles } from './workload-api.ts';

export interface JwtSourceOptions extends SourceOptions {
  /** How long `token` waits for a daemon that is away; 10 s unless told. */
  readonly tokenTimeoutMs?: number;
}

export interface TokenWish {
  /** Who shall take the token. One is better than several: each of them could pass it on to another. */
  readonly audience: string | readonly string[];
  /** Which identity; the default one unless told. */
  readonly spiffeId?: string | SpiffeId;
  /** Or the one with this hint. */
  readonly hint?: string;
}

const DEFAULT_TOKEN_TIMEOUT_MS = 10_000;
/** After a renewal that failed, each of which has tried for the time above. */
const RENEW_PAUSE_MS = 10_000;

export class JwtSource implements JwtTrust {
  readonly #followed: Followed<WireJwtBundles, Bundles<JwtKey>>;
  readonly #listeners: Listeners<JwtSource>;
  readonly #fetch: TokenFetch;
  readonly #cache = new TokenCache();
  readonly #fetching = new Map<string, Promise<readonly JwtSvid[]>>();

  /** Resolves when the JWT bundles are there; rejects with a Failure that says what stood in the way. */
  static async open(options: JwtSourceOptions = {}): Promise<JwtSource> {
    options.signal?.throwIfAborted();
    const source = new JwtSource(options);
    try {
      await source.#followed.first(options);
      return source;
    } catch (error) {
      source.close();
      throw error;
    }
  }

  private constructor(options: JwtSourceOptions) {
    const words = jwtBundleWords('JwtSource');
    this.#listeners = new Listeners(words.source, options.log);
    this.#followed = new Followed(options, {
      fetch: (api) => api.fetchJwtBundles(),
      read: readJwtBundles,
      words,
      onChange: () => this.#changed(),
    });
    this.#fetch = new TokenFetch({
      endpoint: parseEndpoint(options.socket),
      clock: this.#followed.clock,
      random: options.random ?? systemRandom,
      timeoutMs: options.tokenTimeoutMs ?? DEFAULT_TOKEN_TIMEOUT_MS,
    });
  }

  /** The token alone. */
  async token(wish: TokenWish): Promise<string> {
    return (await this.svid(wish)).token;
  }

  /** A token that is valid now, from memory or from the daemon. */
  async svid(wish: TokenWish): Promise<JwtSvid> {
    const svids = await this.#svids(readWish(wish));
    const svid = wish.hint === undefined ? svids[0] : svids.find(({ hint }) => hint === wish.hint);
    if (svid !== undefined) return svid;
    throw new Failure('not-found', 'SVID_NOT_CHOSEN', 'none of this process’s identities has that hint', {
      field: 'hint',
    });
  }

  /** The keys that vouch for the JWT-SVIDs of one trust domain, or undefined when its bundle was not given to this process. */
  jwtKeysOf(trustDomain: TrustDomain | string): readonly JwtKey[] | undefined {
    return this.#followed.current().get(nameOf(trustDomain));
  }

  /** Calls `listener` after every change of the bundles, a withdrawal too; returns what ends that. */
  onUpdate(listener: (source: JwtSource) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Of the stream of bundles. */
  status(): SourceStatus {
    return this.#followed.status;
  }

  /** Idempotent. */
  close(): void {
    this.#followed.close();
    this.#fetch.close();
    this.#listeners.clear();
  }

  async #svids(request: JwtSvidRequest): Promise<readonly JwtSvid[]> {
    this.#requireOpen();
    const key = JSON.stringify([request.spiffe_id, ...request.audience]);
    const cached = this.#cache.get(key);
    const now = this.#followed.clock.now();
    // guard: I5 test/client/jwt-source.test.ts
    if (cached === undefined || cached.spareAt <= now) return this.#fetchNow(key, request);
    if (cached.renewAt <= now) this.#renew(key, request, cached);
    return cached.svids;
  }

  /** Waits for the daemon; what is held serves to its end if none is to be had. */
  async #fetchNow(key: string, request: JwtSvidRequest): Promise<readonly JwtSvid[]> {
    try {
      return await this.#fetchOnce(key, request);
    } catch (error) {
      const held = this.#cache.get(key);
      if (held !== undefined && held.endsAt > this.#followed.clock.now()) return held.svids;
      throw error;
    }
  }

  /** In the background: who asked has a token that is good for a while. */
  #renew(key: string, request: JwtSvidRequest, cached: Cached): void {
    this.#fetchOnce(key, request).catch(() => {
      cached.renewAt = this.#followed.clock.now() + RENEW_PAUSE_MS;
    });
  }

  /** One fetch for all who want the same at one time. */
  #fetchOnce(key: string, request: JwtSvidRequest): Promise<readonly JwtSvid[]> {
    const running = this.#fetching.get(key);
    if (running !== undefined) return running;
    const started = this.#fetchAndKeep(key, request).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, started);
    return started;
  }

  async #fetchAndKeep(key: string, request: JwtSvidRequest): Promise<readonly JwtSvid[]> {
    try {
      const svids = await this.#fetch.fetch(request);
      // guard: I7 test/client/jwt-source.test.ts — under a key that the bundle lacks, not yet or not any more, none is kept
      if (svids.every((svid) => this.#isVouchedFor(svid))) this.#cache.put(key, svids, this.#followed.clock.now());
      return svids;
    } catch (error) {
      // guard: I7 test/client/jwt-source.test.ts — the daemon's answer, not its absence or a mistake of it
      if (error instanceof Failure && error.kind === 'permission-denied') this.#cache.delete(key);
      throw error;
    }
  }

  /** A key that is gone from the bundle vouches for nothing any more, and neither does a bundle that was taken back. */
  #changed(): void {
    // guard: I7 test/client/jwt-source.test.ts
    this.#cache.keepOnly((svid) => this.#isVouchedFor(svid));
    this.#listeners.tell(this);
  }

  #isVouchedFor({ spiffeId, kid }: JwtSvid): boolean {
    const keys = this.#followed.held?.get(spiffeId.trustDomain.name) ?? [];
    return keys.some((key) => key.kid === kid);
  }

  #requireOpen(): void {
    if (this.#followed.status.state === 'closed')
      throw new Failure('failed-precondition', 'SOURCE_CLOSED', 'this JwtSource was closed');
  }
}

function readWish({ audience, spiffeId }: TokenWish): JwtSvidRequest {
  const audiences = typeof audience === 'string' ? [audience] : [...audience];
  // guard: WAPI-08 test/client/jwt-source.test.ts
  if (audiences.length === 0 || audiences.some((one) => typeof one !== 'string' || one === ''))
    throw new Failure('invalid-argument', 'AUDIENCE_MISSING', 'a token needs an audience: the name of who takes it', {
      field: 'audience',
    });
  const id = typeof spiffeId === 'string' ? SpiffeId.parseWorkload(spiffeId, 'spiffeId') : spiffeId;
  return { audience: audiences, spiffe_id: id?.toString() ?? '' };
}
