// SPDX-License-Identifier: Apache-2.0
/** Bundles of other trust domains, set by hand or fetched; always a pair of name and certificates (BUN-11). */
import type { Limits } from '../config/config.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { Actor, BundleContent, BundleRecord, Change, EntryRecord, JwtKeyRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { certifiedKey, isSameKey } from '../x509/same-key.ts';
import { refuseAbove } from './entry-fields.ts';
import { actorName } from './identity-fields.ts';

/** Who gives a bundle: an operator, a fetch from its trust domain, or the configuration, which names the first one. */
export type BundleGiver = Actor | typeof FETCHED | 'config';

/** In a bundle's `updatedBy`. */
export const FETCHED = 'federation';

export type DeleteMode = 'restrict' | 'dissociate' | 'delete';

export class ForeignBundles {
  readonly #store: Store;
  readonly #own: TrustDomain;
  readonly #limits: Limits;
  readonly #bundles = new Map<string, BundleRecord>();

  constructor(store: Store, own: TrustDomain, limits: Limits) {
    this.#store = store;
    this.#own = own;
    this.#limits = limits;
    for (const bundle of store.loadBundles()) this.#bundles.set(bundle.trustDomain, bundle);
  }

  get(trustDomain: string): BundleRecord | undefined {
    return this.#bundles.get(trustDomain);
  }

  /** By name. */
  all(): readonly BundleRecord[] {
    return [...this.#bundles.values()].sort((a, b) => (a.trustDomain < b.trustDomain ? -1 : 1));
  }

  apply(change: Change & { readonly kind: 'bundle' }): void {
    if (change.action === 'put') this.#bundles.set(change.key, change.bundle);
    else this.#bundles.delete(change.key);
  }

  /** The content was checked by whoever parsed the document. An empty one revokes (BUN-02). */
  async put(name: unknown, content: BundleContent, giver: BundleGiver, now: number): Promise<BundleRecord> {
    const { certificates, jwtKeys, sequence, refreshHintSeconds } = content;
    const trustDomain = this.#parseForeign(name).name;
    const stored = this.#bundles.get(trustDomain);
    const { foreignBundles, certificatesPerBundle } = this.#limits;
    const count = this.#bundles.size + (stored === undefined ? 1 : 0);
    // guard: I9 test/registry/foreign-bundles.test.ts
    refuseAbove(count, foreignBundles, 'trust_domain', 'foreign bundles', 'foreign_bundles');
    // guard: I9 test/registry/foreign-bundles.test.ts
    refuseAbove(certificates.length, certificatesPerBundle, 'bundle', 'certificates', 'certificates_per_bundle');
    // guard: I9 test/registry/foreign-bundles.test.ts
    refuseAbove(jwtKeys.length, certificatesPerBundle, 'bundle', 'JWT keys', 'certificates_per_bundle');
    // guard: BUN-13 test/registry/foreign-bundles.test.ts
    this.#refuseOwnKeys(trustDomain, certificates);
    // guard: BUN-13 test/registry/foreign-bundles.test.ts
    this.#refuseOwnJwtKeys(trustDomain, jwtKeys);
    const updatedBy = typeof giver === 'string' ? giver : actorName(giver);
    // One that was set by hand and then fetched is a fetched one: from there on its sequence counts.
    const same = stored !== undefined && sameContent(stored, content);
    if (same && (stored.updatedBy === FETCHED) === (updatedBy === FETCHED)) return stored;
    const bundle: BundleRecord = {
      trustDomain,
      certificates: [...certificates],
      jwtKeys: [...jwtKeys],
      sequence,
      refreshHintSeconds,
      updatedAt: now,
      updatedBy,
    };
    await this.#store.putBundle(bundle);
    return bundle;
  }

  refuseUnknown(trustDomain: string): void {
    if (this.#bundles.has(trustDomain)) return;
    throw new Failure('not-found', 'BUNDLE_NOT_FOUND', `there is no bundle of trust domain ${quote(trustDomain)}`, {
      field: 'trust_domain',
      value: trustDomain,
      hint: 'list them with: assay bundle list',
    });
  }

  inUse(trustDomain: string, entry: EntryRecord): Failure {
    return new Failure(
      'failed-precondition',
      'BUNDLE_IN_USE',
      `the bundle of trust domain ${quote(trustDomain)} is kept: entry ${quote(entry.id)} federates with it`,
      {
        field: 'trust_domain',
        value: trustDomain,
        hint: 'say --mode dissociate to take the name out of such entries, or --mode delete to delete them',
      },
    );
  }

  #parseForeign(name: unknown): TrustDomain {
    const trustDomain = TrustDomain.parse(name, 'trust_domain');
    // guard: WAPI-15 test/registry/foreign-bundles.test.ts
    if (trustDomain.equals(this.#own)) {
      throw new Failure('invalid-argument', 'BUNDLE_IS_OWN', `trust_domain ${quote(name)} is refused: it is our own`, {
        field: 'trust_domain',
        value: quote(name),
        hint: 'our own bundle follows from our authorities: assay ca show',
      });
    }
    return trustDomain;
  }

  /** One key serves one trust domain (BUN-13), in whatever certificate. */
  #refuseOwnKeys(trustDomain: string, certificates: readonly Buffer[]): void {
    const own = this.#store.loadAuthorities('x509').map(({ id, published }) => ({ id, ...certifiedKey(published) }));
    if (own.length === 0) return;
    for (const [at, der] of certificates.entries()) {
      const given = certifiedKey(der);
      const ours = own.find((one) => isSameKey(one, given));
      if (ours !== undefined) throw holdsOwnKey(trustDomain, `certificate ${at + 1}`, ours.id);
    }
  }

  #refuseOwnJwtKeys(trustDomain: string, jwtKeys: readonly JwtKeyRecord[]): void {
    const own = [...this.#store.loadAuthorities('jwt'), ...this.#store.loadAuthorities('jwt-rsa')];
    for (const { kid, publicKey } of jwtKeys) {
      const ours = own.find(({ published }) => published.equals(publicKey));
      if (ours !== undefined) throw holdsOwnKey(trustDomain, `the JWT key ${quote(kid)}`, ours.id);
    }
  }
}

function sameContent(a: BundleContent, b: BundleContent): boolean {
  return (
    a.sequence === b.sequence &&
    a.refreshHintSeconds === b.refreshHintSeconds &&
    sameBytes(a.certificates, b.certificates) &&
    a.jwtKeys.length === b.jwtKeys.length &&
    a.jwtKeys.every(({ kid, publicKey }, i) => kid === b.jwtKeys[i]?.kid && publicKey.equals(b.jwtKeys[i].publicKey))
  );
}

function holdsOwnKey(trustDomain: string, what: string, authorityId: string): Failure {
  const name = quote(trustDomain);
  return new Failure(
    'invalid-argument',
    'BUNDLE_HOLDS_OWN_ROOT',
    `${what} for trust domain ${name} is refused: its key is that of our own authority ${authorityId}`,
    { field: 'bundle', value: trustDomain, hint: 'ask the other side for its own bundle' },
  );
}

function sameBytes(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((der, i) => der.equals(b[i] as Buffer));
}
