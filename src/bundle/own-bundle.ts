// SPDX-License-Identifier: Apache-2.0
/**
 * The X.509 part of our own trust domain's bundle: the certificate of every authority in the journal, prepared, active or old.
 *
 * Nothing is left out by looking at a clock or a setting: a certificate leaves when a journal step removes it, so that
 * content and sequence always move together (BUN-03). Order is by age and never changes while
 * a certificate stays, and each identity of a message gets the same bytes (CLI-07).
 */
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import type { AuthorityRecord } from '../store/records.ts';

export interface OwnBundle {
  readonly trustDomain: TrustDomain;
  /** DER, oldest first. Never empty. */
  readonly certificates: readonly Buffer[];
  /** The same, back to back, as the Workload API carries it. */
  readonly der: Buffer;
}

export function ownBundle(trustDomain: TrustDomain, authorities: readonly AuthorityRecord[]): OwnBundle {
  const inOrder = [...authorities].sort((a, b) => a.preparedAt - b.preparedAt || (a.id < b.id ? -1 : 1));
  const certificates = inOrder.map((one) => one.published);
  // An empty bundle reads as "trust nobody" (BUN-02) and fails every peer without an error (CLI-21).
  // guard: CLI-21 test/bundle/own-bundle.test.ts
  if (certificates.length === 0)
    throw new Failure('internal', 'OWN_BUNDLE_EMPTY', `the bundle of ${trustDomain.name} has no certificate`, {
      hint: 'look at `assay ca show`; the daemon publishes nothing until it has an authority',
    });
  return {
    trustDomain,
    certificates,
    der: Buffer.concat(certificates),
  };
}
