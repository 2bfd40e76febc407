// SPDX-License-Identifier: Apache-2.0
/** Bundles of other trust domains, set by hand or fetched; always a pair of name and certificates (BUN-11). */
import type { Limits } from '../config/config.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { Actor, BundleContent, BundleRecord, Change, EntryRecord } from '../store/records.ts';
import type { BundleReplacement, Store } from '../store/store.ts';
import { refuseAbove } from './entry-fields.ts';
import { actorName } from './identity-fields.ts';
import { type OwnKeyCheck, ownKeyCheck } from './own-keys.ts';

/** Who gives a bundle: an operator, a fetch from its trust domain, or the configuration, which names the first one. */
export type BundleGiver = Actor | typeof FETCHED | 'config';

/** In a bundle's `updatedBy`. */
export const FETCHED = 'federation';

/** Bundles by trust domain, as a bundle map has them. */
export type BundleMap = ReadonlyMap<string, BundleContent>;

/** What a map changes; trust domains of what stays as it is, and of what the map leaves out. */
export interface BundleMapPlan extends BundleReplacement {
  readonly unchanged: readonly string[];
}

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
    const trustDomain = this.#parseForeign(name, 'trust_domain').name;
    const stored = this.#bundles.get(trustDomain);
    const count = this.#bundles.size + (stored === undefined ? 1 : 0);
    // guard: I9 test/registry/foreign-bundles.test.ts
    refuseAbove(count, this.#limits.foreignBundles, 'trust_domain', 'foreign bundles', 'foreign_bundles');
    const bundle = this.#replacing(
      stored,
      { trustDomain, ...content, updatedAt: now, giver },
      ownKeyCheck(this.#store),
      'bundle',
    );
    if (bundle !== stored) await this.#store.putBundle(bundle);
    return bundle;
  }

  /**
   * What a bundle map changes, as the whole state of the bundles set by hand; refuses all of it for one that is refused. Those
   * that a relationship fetches are no part of that state: they stay, and the map may not have them.
   */
  plan(map: BundleMap, isFetched: (trustDomain: string) => boolean, actor: Actor, now: number): BundleMapPlan {
    const fetched = [...this.#bundles.keys()].filter(isFetched).length;
    const { foreignBundles } = this.#limits;
    // guard: I9 test/registry/bundle-maps.test.ts
    refuseAbove(fetched + map.size, foreignBundles, 'trust_domains', 'foreign bundles', 'foreign_bundles');
    const refuseOwnKeys = ownKeyCheck(this.#store);
    const put: BundleRecord[] = [];
    const unchanged: string[] = [];
    for (const [name, content] of map) {
      const trustDomain = this.#parseForeign(name, 'trust_domains').name;
      // guard: BUN-17 test/registry/bundle-maps.test.ts — the next fetch would undo it
      if (isFetched(trustDomain)) throw fetchedToo(trustDomain);
      const stored = this.#bundles.get(trustDomain);
      const bundle = this.#replacing(
        stored,
        { trustDomain, ...content, updatedAt: now, giver: actor },
        refuseOwnKeys,
        `trust_domains[${quote(name)}]`,
      );
      if (bundle === stored) unchanged.push(trustDomain);
      else put.push(bundle);
    }
    const deleted = this.all()
      .map(({ trustDomain }) => trustDomain)
      .filter((name) => !map.has(name) && !isFetched(name));
    return { put, unchanged, deleted };
  }

  /** The record that holds this content from now on: the stored one where nothing changes. */
  #replacing(
    stored: BundleRecord | undefined,
    given: Omit<BundleRecord, 'updatedBy'> & { readonly giver: BundleGiver },
    refuseOwnKeys: OwnKeyCheck,
    field: string,
  ): BundleRecord {
    const { trustDomain, certificates, jwtKeys, sequence, refreshHintSeconds, updatedAt, giver } = given;
    const { certificatesPerBundle } = this.#limits;
    // guard: I9 test/registry/foreign-bundles.test.ts
    refuseAbove(certificates.length, certificatesPerBundle, field, 'certificates', 'certificates_per_bundle');
    // guard: I9 test/registry/foreign-bundles.test.ts
    refuseAbove(jwtKeys.length, certificatesPerBundle, field, 'JWT keys', 'certificates_per_bundle');
    refuseOwnKeys(trustDomain, given);
    const updatedBy = typeof giver === 'string' ? giver : actorName(giver);
    // One that was set by hand and then fetched is a fetched one: from there on its sequence counts.
    const same = stored !== undefined && sameContent(stored, given);
    if (same && (stored.updatedBy === FETCHED) === (updatedBy === FETCHED)) return stored;
    return {
      trustDomain,
      certificates: [...certificates],
      jwtKeys: [...jwtKeys],
      sequence,
      refreshHintSeconds,
      updatedAt,
      updatedBy,
    };
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

  #parseForeign(name: unknown, field: 'trust_domain' | 'trust_domains'): TrustDomain {
    const trustDomain = TrustDomain.parse(name, field);
    // guard: WAPI-15 test/registry/foreign-bundles.test.ts
    if (trustDomain.equals(this.#own)) {
      throw new Failure('invalid-argument', 'BUNDLE_IS_OWN', `${field} ${quote(name)} is refused: it is our own`, {
        field,
        value: quote(name),
        hint:
          field === 'trust_domain'
            ? 'our own bundle follows from our authorities: assay ca show'
            : 'take it out of the map: our own bundle follows from our authorities',
      });
    }
    return trustDomain;
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

function fetchedToo(trustDomain: string): Failure {
  const name = quote(trustDomain);
  return new Failure(
    'failed-precondition',
    'BUNDLE_IS_FETCHED',
    `trust_domains ${name} is refused: the relationship with ${name} fetches that bundle`,
    {
      field: 'trust_domains',
      value: name,
      hint: `take it out of the map, or end the relationship: assay federation delete ${trustDomain}`,
    },
  );
}

function sameBytes(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((der, i) => der.equals(b[i] as Buffer));
}
