// SPDX-License-Identifier: Apache-2.0
/** The outputs that hold bundles and tokens, fed by the streams of bundles. */
import { type Bundles, readJwtBundles, readX509Bundles } from '../client/bundle-state.ts';
import type { SourceOptions } from '../client/followed.ts';
import type { WireJwtBundles, WireX509Bundles } from '../client/workload-api.ts';
import type { JwtKey } from '../jwt/key.ts';
import { Feed } from './feed.ts';
import { renderJwtBundle, renderSpiffeDocument } from './render-bundles.ts';
import type { JwtBundleOutput, Output, SpiffeBundleOutput } from './settings.ts';
import type { Target } from './target.ts';
import type { TokenKeeper } from './token-keeper.ts';

export interface BundleWishes {
  readonly jwt: readonly { readonly output: Output; readonly wish: JwtBundleOutput; readonly target: Target }[];
  readonly spiffe: readonly { readonly output: Output; readonly wish: SpiffeBundleOutput; readonly target: Target }[];
  readonly tokens: readonly TokenKeeper[];
}

export class BundleFeeds {
  readonly #wishes: BundleWishes;
  readonly jwt: Feed<WireJwtBundles, Bundles<JwtKey>>;
  /** Followed for SPIFFE documents alone. */
  readonly x509: Feed<WireX509Bundles, Bundles<Buffer>> | undefined;

  constructor(source: SourceOptions, wishes: BundleWishes) {
    this.#wishes = wishes;
    this.jwt = new Feed({
      what: 'JWT bundle',
      source,
      fetch: (api) => api.fetchJwtBundles(),
      read: readJwtBundles,
      onState: (bundles) => this.#jwtChanged(bundles),
      onTrouble: (problem) => this.#jwtTrouble(problem),
    });
    if (wishes.spiffe.length === 0) return;
    this.x509 = new Feed({
      what: 'X.509 bundle',
      source,
      fetch: (api) => api.fetchX509Bundles(),
      read: readX509Bundles,
      onState: () => this.#offerDocuments(),
      onTrouble: (problem) => {
        for (const { target } of wishes.spiffe) target.lacks(problem);
      },
    });
  }

  close(): void {
    this.jwt.close();
    this.x509?.close();
  }

  #jwtChanged(bundles: Bundles<JwtKey>): void {
    for (const { output, wish, target } of this.#wishes.jwt) {
      offer(target, renderJwtBundle(bundles, wish), output, wish.file, `${wish.trustDomain}`);
    }
    for (const keeper of this.#wishes.tokens) {
      keeper.bundleChanged(({ spiffeId, kid }) =>
        (bundles.get(spiffeId.trustDomain.name) ?? []).some((key) => key.kid === kid),
      );
    }
    this.#offerDocuments();
  }

  #jwtTrouble(problem: string): void {
    for (const { target } of this.#wishes.jwt) target.lacks(problem);
    // A daemon without tokens still has certificates to vouch for.
    if (this.jwt.status.state === 'failed') this.#offerDocuments();
  }

  #offerDocuments(): void {
    const x509 = this.x509?.held;
    const jwt = this.jwt.held ?? (this.jwt.status.state === 'failed' ? new Map() : undefined);
    if (x509 === undefined || jwt === undefined) return;
    for (const { output, wish, target } of this.#wishes.spiffe) {
      offer(target, renderSpiffeDocument(x509, jwt, wish.trustDomain), output, wish.file, `${wish.trustDomain}`);
    }
  }
}

function offer(target: Target, bytes: Buffer | undefined, output: Output, name: string, trustDomain: string): void {
  if (bytes === undefined) {
    target.lacks(`the daemon gives this process no bundle of ${trustDomain}`);
    return;
  }
  target.offer({
    files: [{ name, bytes, mode: output.modes.jwtBundle, ...output.owner }],
    freshUntil: undefined,
    about: {},
  });
}
