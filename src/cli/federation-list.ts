// SPDX-License-Identifier: Apache-2.0
/** `assay federation list` */
import type { WireFederation } from '../api/admin/wire-federation.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { type Format, instant } from './print.ts';
import { federationJson } from './show-federation.ts';

export async function federationList(
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly limit?: string },
): Promise<number> {
  await withAdmin(io, options, (admin) =>
    printList<WireFederation>(io, {
      output: options.output,
      limit: options.limit,
      name: 'federations',
      heading: ['TRUST DOMAIN', 'PROFILE', 'LAST RESULT', 'LAST SUCCESS', 'URL'],
      cells: (one) => [
        one.trust_domain,
        one.profile,
        one.last_result === '' ? 'being fetched' : one.last_result,
        one.last_success_at === undefined ? 'never' : instant(Number(one.last_success_at)),
        one.url,
      ],
      json: federationJson,
      none: 'no relationships with other trust domains',
      page: async (size, token) => {
        const answer = await admin.call('ListFederations', { page_size: size, page_token: token });
        return { rows: answer.federations, next: answer.next_page_token };
      },
    }),
  );
  return 0;
}
