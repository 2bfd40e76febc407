// SPDX-License-Identifier: Apache-2.0
/** What a data folder is fixed to at its first start: one trust domain, one node ID (docs/data.md). */
import { TrustDomain } from '../identity/trust-domain.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import type { MetaStore } from '../store/store.ts';

export interface Fixed {
  readonly trustDomain: TrustDomain;
  /** `spiffe://TD/spire/agent/assay/<16 hex>`: the parent of every entry that names none. */
  readonly nodeId: string;
}

type Meta = Pick<MetaStore, 'getMeta' | 'setMetaOnce'>;

export async function fixAtFirstStart(store: Meta, asked: TrustDomain | undefined, random: Random): Promise<Fixed> {
  const trustDomain = await fixTrustDomain(store, asked);
  const known = store.getMeta('node_id');
  const nodeId = known ?? `${trustDomain.id}/spire/agent/assay/${random.bytes(8).toString('hex')}`;
  if (known === undefined) await store.setMetaOnce('node_id', nodeId);
  return { trustDomain, nodeId };
}

async function fixTrustDomain(store: Meta, asked: TrustDomain | undefined): Promise<TrustDomain> {
  const stored = store.getMeta('trust_domain');
  if (stored === undefined) {
    if (asked === undefined) {
      throw new Failure('invalid-argument', 'TRUST_DOMAIN_MISSING', 'trust_domain is required at the first start', {
        field: 'trust_domain',
        hint: 'assay run --trust-domain example.org',
      });
    }
    await store.setMetaOnce('trust_domain', asked.name);
    return asked;
  }
  if (asked !== undefined && asked.name !== stored) {
    throw new Failure(
      'failed-precondition',
      'TRUST_DOMAIN_FIXED',
      `trust_domain ${quote(asked.name)} differs from ${quote(stored)}, which this data folder was started with`,
      {
        field: 'trust_domain',
        value: asked.name,
        hint: 'another trust domain needs a data folder of its own: --data-dir',
      },
    );
  }
  return TrustDomain.parseOwn(stored);
}
