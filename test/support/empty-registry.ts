// SPDX-License-Identifier: Apache-2.0
import type { AdminClient } from './admin-client.ts';

/** Takes out every entry and every foreign bundle, so that one daemon serves many tests. */
export async function emptyRegistry(admin: AdminClient): Promise<void> {
  const { entries } = await admin.call('ListEntries', { page_size: 1000 });
  await Promise.all(entries.map(({ id }: { id: string }) => admin.call('DeleteEntry', { id })));
  const { bundles } = await admin.call('ListBundles', { page_size: 1000 });
  const named = bundles.map(({ trust_domain }: { trust_domain: string }) => ({ trust_domain, mode: 'restrict' }));
  await Promise.all(named.map((request: object) => admin.call('DeleteBundle', request)));
}
