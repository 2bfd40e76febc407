// SPDX-License-Identifier: Apache-2.0
/** What FetchX509SVID states are made of: certificates with their keys, our own bundle, and those of the trust domains federated with. */
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { Grant } from '../registry/match.ts';
import { federatedBundles, sameBundles } from './bundles.ts';
import type { Rooms } from './rooms.ts';
import type { Craft, Made } from './svid-errand.ts';
import type { X509State, X509SvidState } from './workload-identities.ts';

export function x509Craft({ authority, registry, settings }: Rooms): Craft<X509SvidState, X509State> {
  return {
    kind: 'x509',
    wanted: ({ grants }) => grants,
    shape: ({ entry }) => [entry.dnsNames],
    signer: () => authority.active().authorityId,
    distrustedSince: (authorityId) => authority.distrustedSince(authorityId),
    async mint(grant, ttlMs): Promise<Made<X509SvidState>> {
      const { entry, endsAt, hint } = grant;
      const leaf = await authority.mintLeaf({
        entryId: entry.id,
        entryRevision: entry.revision,
        spiffeId: SpiffeId.parseWorkload(entry.spiffeId),
        dnsNames: entry.dnsNames,
        ttlMs,
        caps: [endsAt],
        keyType: settings.keyType,
      });
      const svid = { spiffeId: entry.spiffeId, chain: leaf.chainDer, privateKey: leaf.privateKeyPkcs8, hint };
      return { ...leaf, svid };
    },
    assemble: (svids, grants) => ({
      svids,
      bundle: authority.bundle().der,
      federated: federatedBundles(registry, namesOf(grants)),
    }),
    sameRest: (a, b) => a.bundle === b.bundle && sameBundles(a.federated, b.federated),
  };
}

function namesOf(grants: readonly Grant[]): ReadonlySet<string> {
  return new Set(grants.flatMap(({ federatesWith }) => federatesWith));
}
