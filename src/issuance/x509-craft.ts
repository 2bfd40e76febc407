// SPDX-License-Identifier: Apache-2.0
/** What FetchX509SVID states are made of: certificates with their keys, our own bundle, and those of the trust domains federated with. */
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { Grant } from '../registry/match.ts';
import { federatedBundles, sameBundles } from './bundles.ts';
import type { Craft, Made } from './craft.ts';
import type { Rooms } from './rooms.ts';
import type { WantedIdentities, X509State, X509SvidState } from './workload-identities.ts';

/** `wanted`: undefined for all. */
export function x509Craft(
  { authority, registry, crls, settings }: Rooms,
  wanted?: WantedIdentities,
): Craft<X509SvidState, X509State> {
  return {
    kind: 'x509',
    asked: ({ grants }) => (wanted === undefined ? grants : grants.filter((grant, at) => isAsked(wanted, grant, at))),
    // Who asked by name gets all that was asked for, as others get their default identity.
    needed: (asked) => (wanted === undefined ? asked.slice(0, 1) : asked),
    shape: ({ entry }) => [entry.dnsNames],
    signer: () => authority.active().authorityId,
    distrustedSince: (authorityId) => authority.distrustedSince(authorityId),
    async mint(grant, ttlMs): Promise<Made<X509SvidState>> {
      const { entry, endsAt, hint, subject, lease } = grant;
      const leaf = await authority.mintLeaf({
        entryId: entry.id,
        task: lease?.taskId,
        entryRevision: entry.revision,
        spiffeId: SpiffeId.parseWorkload(subject),
        dnsNames: entry.dnsNames,
        ttlMs,
        caps: [endsAt],
        keyType: settings.keyType,
      });
      const svid = { spiffeId: subject, chain: leaf.chainDer, privateKey: leaf.privateKeyPkcs8, hint };
      return { ...leaf, svid };
    },
    // A trust domain is the caller's by any of its identities, whether or not that one is asked for.
    assemble: (svids, carried) => ({
      svids,
      bundle: authority.bundle().der,
      federated: federatedBundles(registry, namesOf(carried)),
      crls: crls.current(),
    }),
    // A revocation list alone is no reason to send all of it again: many who are sent it start their program anew.
    sameRest: (a, b) =>
      a.bundle === b.bundle && sameBundles(a.federated, b.federated) && (!settings.pushCrls || a.crls === b.crls),
  };
}

function isAsked({ first, spiffeIds }: WantedIdentities, { subject }: Grant, at: number): boolean {
  return (first && at === 0) || spiffeIds.has(subject);
}

function namesOf(grants: readonly Grant[]): ReadonlySet<string> {
  return new Set(grants.flatMap(({ federatesWith }) => federatesWith));
}
