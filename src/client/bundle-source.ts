// SPDX-License-Identifier: Apache-2.0
/**
 * The bundles of all trust domains that this process may verify, X.509, JWT and WIT, always the newest: for whoever verifies and
 * needs no identity of its own at hand. Each kind comes over its own stream and verifies its own kind of SVID alone (WAPI-36).
 */
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { JwtKey } from '../jwt/key.ts';
import { type Bundles, readJwtBundles, readWitBundles, readX509Bundles } from './bundle-state.ts';
import { Followed, type FollowedWords, type SourceOptions, type SourceStatus } from './followed.ts';
import { type JwtTrust, nameOf } from './jwt-trust.ts';
import { Listeners } from './listeners.ts';
import type { WitTrust } from './wit-trust.ts';
import type { WireJwtBundles, WireWitBundles, WireX509Bundles } from './workload-api.ts';

export interface BundleSourceOptions extends SourceOptions {
  /** Which kinds to follow; `x509` and `jwt` unless told. A daemon may have one of them switched off; few have `wit`. */
  readonly kinds?: readonly ('x509' | 'jwt' | 'wit')[];
}

export interface BundleSourceStatus {
  /** Undefined: not followed. */
  readonly x509: SourceStatus | undefined;
  readonly jwt: SourceStatus | undefined;
  readonly wit: SourceStatus | undefined;
}

const REASONS = {
  source: 'BundleSource',
  missing: 'BUNDLE_MISSING',
  withdrawn: 'BUNDLE_WITHDRAWN',
  timeout: 'BUNDLE_TIMEOUT',
} as const;

export const jwtBundleWords = (source: string): FollowedWords => ({ ...REASONS, source, what: 'JWT bundle' });

export class BundleSource implements JwtTrust, WitTrust {
  readonly #x509: Followed<WireX509Bundles, Bundles<Buffer>> | undefined;
  readonly #jwt: Followed<WireJwtBundles, Bundles<JwtKey>> | undefined;
  readonly #wit: Followed<WireWitBundles, Bundles<JwtKey>> | undefined;
  readonly #listeners: Listeners<BundleSource>;

  /** Resolves when the bundles of every kind asked for are there. */
  static async open(options: BundleSourceOptions = {}): Promise<BundleSource> {
    options.signal?.throwIfAborted();
    const source = new BundleSource(options);
    try {
      await Promise.all([source.#x509?.first(options), source.#jwt?.first(options), source.#wit?.first(options)]);
      return source;
    } catch (error) {
      source.close();
      throw error;
    }
  }

  private constructor(options: BundleSourceOptions) {
    const kinds = options.kinds ?? ['x509', 'jwt'];
    const onChange = (): void => this.#listeners.tell(this);
    this.#listeners = new Listeners(REASONS.source, options.log);
    if (kinds.includes('x509')) {
      const words = { ...REASONS, what: 'X.509 bundle' };
      this.#x509 = new Followed(options, {
        fetch: (api) => api.fetchX509Bundles(),
        read: readX509Bundles,
        words,
        onChange,
      });
    }
    if (kinds.includes('jwt')) {
      const words = jwtBundleWords(REASONS.source);
      this.#jwt = new Followed(options, {
        fetch: (api) => api.fetchJwtBundles(),
        read: readJwtBundles,
        words,
        onChange,
      });
    }
    if (kinds.includes('wit')) {
      const words = { ...REASONS, what: 'WIT bundle' };
      this.#wit = new Followed(options, {
        fetch: (api) => api.fetchWitBundles(),
        read: readWitBundles,
        words,
        onChange,
      });
    }
  }

  /** The anchors (DER) of one trust domain, or undefined when its bundle was not given to this process. */
  bundleFor(trustDomain: TrustDomain | string): readonly Buffer[] | undefined {
    return this.#x509?.current().get(nameOf(trustDomain));
  }

  /** The keys that vouch for the JWT-SVIDs of one trust domain, or undefined as above. */
  jwtKeysOf(trustDomain: TrustDomain | string): readonly JwtKey[] | undefined {
    return this.#jwt?.current().get(nameOf(trustDomain));
  }

  /** The keys that vouch for the WIT-SVIDs of one trust domain, or undefined as above. */
  witKeysOf(trustDomain: TrustDomain | string): readonly JwtKey[] | undefined {
    return this.#wit?.current().get(nameOf(trustDomain));
  }

  /** Calls `listener` after every change, a withdrawal too; returns what ends that. */
  onUpdate(listener: (source: BundleSource) => void): () => void {
    return this.#listeners.add(listener);
  }

  status(): BundleSourceStatus {
    return { x509: this.#x509?.status, jwt: this.#jwt?.status, wit: this.#wit?.status };
  }

  /** Idempotent. */
  close(): void {
    this.#x509?.close();
    this.#jwt?.close();
    this.#wit?.close();
    this.#listeners.clear();
  }
}
