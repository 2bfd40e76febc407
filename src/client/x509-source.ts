// SPDX-License-Identifier: Apache-2.0
/**
 * The X.509 identities of this process and the bundles it may verify with, always the newest. It follows the daemon's
 * stream, comes back after the daemon did, and holds what it has while that is valid. It keeps the process alive
 * until `close()`. Where the daemon signs revocation lists, it follows them too, over the stream that hears of them first.
 */
import type { TLSSocket } from 'node:tls';
import { TrustDomain } from '../identity/trust-domain.ts';
import type { Timer } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { CrlBook, type CrlStatus, type Listable } from './crl-book.ts';
import { Followed, hintFor, type SourceOptions, type SourceStatus } from './followed.ts';
import { Listeners } from './listeners.ts';
import { OpenPeers } from './open-peers.ts';
import type { WireX509Bundles, WireX509Svids } from './workload-api.ts';
import { readX509State, type X509State, type X509Svid } from './x509-state.ts';

export type X509SourceOptions = SourceOptions;

/** Chooses among several identities; the first one is the default. */
export type SvidPicker = (svids: readonly X509Svid[]) => X509Svid | undefined;

export interface X509SourceStatus extends SourceStatus {
  /** When the default SVID ends, milliseconds UTC. */
  readonly notAfter: number | undefined;
  /** Undefined where no list has come. */
  readonly crl: CrlStatus | undefined;
}

const WORDS = {
  what: 'identity',
  source: 'X509Source',
  missing: 'SVID_MISSING',
  withdrawn: 'SVID_WITHDRAWN',
  timeout: 'SVID_TIMEOUT',
} as const;

/** How often a list is looked at while nobody connects; the clock may jump, so one long wait would not do. */
const STALE_LOOK_MS = 60_000;

export class X509Source {
  readonly #followed: Followed<WireX509Svids, X509State>;
  readonly #listeners: Listeners<X509Source>;
  readonly #crls: CrlBook;
  readonly #openPeers = new OpenPeers();
  readonly #options: X509SourceOptions;
  #lists: Followed<WireX509Bundles, readonly Buffer[]> | undefined;
  #staleLook: Timer | undefined;

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
    this.#options = options;
    this.#crls = new CrlBook(options.log);
    this.#listeners = new Listeners(WORDS.source, options.log);
    this.#followed = new Followed<WireX509Svids, X509State>(options, {
      fetch: (api) => api.fetchX509Svids(),
      read: readX509State,
      words: WORDS,
      onTaken: (state) => {
        const { svids } = state;
        const { spiffeId, serial, notAfter } = svids[0] as X509Svid;
        const fields = { spiffeId: `${spiffeId}`, serial, until: new Date(notAfter).toISOString() };
        options.log?.info(fields, 'identity received');
        this.#takeState(state);
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
    const crl = this.#crls.status(this.#followed.clock.now());
    const notAfter = this.#followed.held?.svids[0]?.notAfter;
    return { ...this.#followed.status, notAfter, crl: crl.lists === 0 && crl.problem === undefined ? undefined : crl };
  }

  /** Idempotent. Open connections stay; the source gives nothing any more. */
  close(): void {
    this.#followed.close();
    this.#lists?.close();
    this.#staleLook?.cancel();
    this.#listeners.clear();
  }

  /** Was this certificate of our own trust domain taken back, as far as is known here? */
  isRevoked(certificate: Listable): boolean {
    this.#crls.lookForStale(this.#followed.clock.now());
    return this.#crls.isRevoked(certificate);
  }

  /** A connection whose peer was verified with this source: it is destroyed when that peer is revoked. */
  opened(socket: TLSSocket, path: readonly Listable[]): void {
    this.#openPeers.add(socket, path);
  }

  #takeState({ svids, bundles, crls }: X509State): void {
    if (this.#crls.trust(bundles.get((svids[0] as X509Svid).spiffeId.trustDomain.name) ?? [])) this.#cut();
    this.#takeLists(crls);
    // Lists alone come over the stream of bundles; whoever signs none is not asked for it.
    if (crls.length > 0) this.#lists ??= this.#followLists();
  }

  #takeLists(crls: readonly Buffer[]): void {
    if (this.#crls.take(crls)) this.#cut();
    this.#lookForStale();
  }

  /** The alarm of an old list must not wait for somebody to connect. */
  #lookForStale(): void {
    const { clock } = this.#followed;
    this.#staleLook?.cancel();
    this.#crls.lookForStale(clock.now());
    const { nextUpdate } = this.#crls.status(clock.now());
    if (nextUpdate === undefined) return;
    const untilStale = nextUpdate - clock.now() + 1;
    const wait = untilStale > 0 ? Math.min(untilStale, STALE_LOOK_MS) : STALE_LOOK_MS;
    this.#staleLook = clock.after(wait, () => this.#lookForStale());
  }

  #cut(): void {
    const count = this.#openPeers.cut((certificate) => this.#crls.isRevoked(certificate));
    if (count > 0) this.#options.log?.warn({ connections: count }, 'open connections of revoked peers were cut');
  }

  #followLists(): Followed<WireX509Bundles, readonly Buffer[]> {
    return new Followed(this.#options, {
      fetch: (api) => api.fetchX509Bundles(),
      read: ({ crl }) => crl,
      words: { ...WORDS, what: 'revocation list' },
      onTaken: (crls) => this.#takeLists(crls),
      onChange: () => undefined,
    });
  }

  #expired(svid: X509Svid): Failure {
    const ended = new Date(svid.notAfter).toISOString();
    const why = this.#followed.status.problem ?? 'no newer one came';
    return new Failure('unavailable', 'SVID_EXPIRED', `the SVID of ${svid.spiffeId} ended at ${ended} (${why})`, {
      hint: hintFor(why),
    });
  }
}
