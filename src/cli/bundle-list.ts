// SPDX-License-Identifier: Apache-2.0
/** `assay bundle list`: `--format` prints the document itself, and so goes before `--output`. */
import type { WireBundle } from '../api/admin/wire.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { type Format, instant } from './print.ts';
import { bundleJson } from './show-bundle.ts';
import { usage } from './usage.ts';

export async function bundleList(
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly limit?: string; readonly format?: 'map' },
): Promise<number> {
  if (options.format === 'map') {
    if (options.limit !== undefined) throw usage('--limit', options.limit, 'makes no whole map', 'leave it out');
    const { document } = await withAdmin(io, options, (admin) => admin.call('GetBundleMap', {}));
    io.out(`${document.trimEnd()}\n`);
    return 0;
  }
  await withAdmin(io, options, (admin) =>
    printList<WireBundle>(io, {
      output: options.output,
      limit: options.limit,
      name: 'bundles',
      heading: ['TRUST DOMAIN', 'CERTIFICATES', 'UPDATED', 'BY'],
      cells: (bundle) => [
        bundle.trust_domain,
        String(bundle.x509_certificates.length),
        instant(Number(bundle.updated_at)),
        bundle.updated_by,
      ],
      json: bundleJson,
      none: 'no bundles of other trust domains',
      page: async (size, token) => {
        const { bundles, next_page_token } = await admin.call('ListBundles', { page_size: size, page_token: token });
        return { rows: bundles, next: next_page_token };
      },
    }),
  );
  return 0;
}
