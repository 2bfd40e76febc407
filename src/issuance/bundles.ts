// SPDX-License-Identifier: Apache-2.0
/** Foreign bundles as they go on the wire: DER back to back under the trust domain's ID (Workload API section 5.2). */
import { TrustDomain } from '../identity/trust-domain.ts';
import type { BundleRecord } from '../store/records.ts';
import type { Rooms } from './rooms.ts';

const joined = new WeakMap<BundleRecord, Buffer>();

/** Only trust domains whose bundle is there and not empty: an empty one would read as an empty anchor set (CLI-21). */
export function federatedBundles(
  registry: Pick<Rooms['registry'], 'foreignBundle'>,
  trustDomains: ReadonlySet<string>,
): ReadonlyMap<string, Buffer> {
  const bundles = new Map<string, Buffer>();
  for (const name of [...trustDomains].sort()) {
    const record = registry.foreignBundle(name);
    if (record === undefined || record.certificates.length === 0) continue;
    let der = joined.get(record);
    if (der === undefined) {
      der = Buffer.concat([...record.certificates]);
      joined.set(record, der);
    }
    bundles.set(TrustDomain.parse(name).id, der);
  }
  return bundles;
}

/** Same trust domains, same bytes. */
export function sameBundles(a: ReadonlyMap<string, Buffer>, b: ReadonlyMap<string, Buffer>): boolean {
  if (a.size !== b.size) return false;
  for (const [id, der] of a) {
    const other = b.get(id);
    if (other === undefined || (other !== der && !other.equals(der))) return false;
  }
  return true;
}

/** Ours and those of the trust domains named. */
export function x509Bundles(
  { registry, authority }: Pick<Rooms, 'registry' | 'authority'>,
  trustDomains: ReadonlySet<string>,
): ReadonlyMap<string, Buffer> {
  const own = authority.bundle();
  return new Map([[own.trustDomain.id, own.der], ...federatedBundles(registry, trustDomains)]);
}
