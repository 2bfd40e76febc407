// SPDX-License-Identifier: Apache-2.0
/**
 * The X.509 identities of this process and the bundles it may verify with, always the newest. It follows the daemon's
 * stream, comes back after the daemon did, and holds what it has while that is valid. It keeps the process alive
 * until `close()`.
 */
import { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import { Followed, hintFor, type SourceOptions, type SourceStatus } from './followed.ts';
import { Listeners } from './listeners.ts';
import type { WireX509Svids } from './workload-api.ts';
import { readX509State, type X509State, type X509Svid } from './x509-state.ts';

export type X509SourceOptions = SourceOptions;

/** Chooses among several identities; the first one is the default. */
export type SvidPicker = (svids: readonly X509Svid[]) => X509Svid | undefined;

export interface X509SourceStatus extends SourceStatus {
  /** When the default SVID ends, milliseconds UTC. */
  readonly notAfter: number | undefined;
}

const WORDS = {
  what: 'identity',
  source: 'X509Source',
  missing: 'SVID_MISSING',
  withdrawn: 'SVID_WITHDRAWN',
  timeout: 'SVID_TIMEOUT',
} as const;

export class X509Source {
  readonly #followed: Followed<WireX509Svids, X509State>;
  readonly #listeners: Listeners<X509Source>;

  /** Resolves with the first identity; rejects with a Failure that says what stood in the way. */
  static async open(options: X509SourceOptions = {}): Promise<X509Source> {
    options.signal?.throwIfAborted();
    const source = new X509Source(options);
    try {
      await source.#followed.first(options);
      return source;
    } catch (error) {
      source.close();
      throw error;
    }
  }

  private constructor(options: X509SourceOptions) {
    this.#listeners = new Listeners(WORDS.source, options.log);
    this.#followed = new Followed<WireX509Svids, X509State>(options, {
      fetch: (api) => api.fetchX509Svids(),
      read: readX509State,
      words: WORDS,
      onTaken: ({ svids }) => {
        const { spiffeId, serial, notAfter } = svids[0] as X509Svid;
        const fields = { spiffeId: `${spiffeId}`, serial, until: new Date(notAfter).toISOString() };
        options.log?.info(fields, 'identity received');
      },
      onChange: () => this.#listeners.tell(this),
    });
  }

  /** The identity to use now. Throws when there is none that is valid: an expired one is never handed out. */
  svid(pick?: SvidPicker): X509Svid {
    const { svids } = this.#followed.current();
    const svid = pick === undefined ? svids[0] : pick(svids);
    if (svid === undefined) {
      const held = svids.map(({ spiffeId, hint }) => (hint === '' ? `${spiffeId}` : `${spiffeId} (hint ${hint})`));
      throw new Failure(
        'not-found',
        'SVID_NOT_CHOSEN',
        `none of this process's identities was chosen: ${held.join(', ')}`,
      );
    }
    // guard: I5 test/client/x509-source.test.ts
    if (svid.notAfter <= this.#followed.clock.now()) throw this.#expired(svid);
    return svid;
  }

  /** All identities, the default one first; expired ones too. */
  svids(): readonly X509Svid[] {
    return this.#followed.current().svids;
  }

  /** The anchors (DER) of one trust domain, or undefined when its bundle was not given to this process. */
  bundleFor(trustDomain: TrustDomain | string): readonly Buffer[] | undefined {
    const name = trustDomain instanceof TrustDomain ? trustDomain.name : TrustDomain.parse(trustDomain).name;
    return this.#followed.current().bundles.get(name);
  }

  /** Calls `listener` after every change, a withdrawal too; returns what ends that. */
  onUpdate(listener: (source: X509Source) => void): () => void {
    return this.#listeners.add(listener);
  }

  status(): X509SourceStatus {
    return { ...this.#followed.status, notAfter: this.#followed.held?.svids[0]?.notAfter };
  }

  /** Idempotent. Open connections stay; the source gives nothing any more. */
  close(): void {
    this.#followed.close();
    this.#listeners.clear();
  }

  #expired(svid: X509Svid): Failure {
    const ended = new Date(svid.notAfter).toISOString();
    const why = this.#followed.status.problem ?? 'no newer one came';
    return new Failure('unavailable', 'SVID_EXPIRED', `the SVID of ${svid.spiffeId} ended at ${ended} (${why})`, {
      hint: hintFor(why),
    });
  }
}
