// SPDX-License-Identifier: Apache-2.0
/** `assay entry list` */
import type { WireEntry } from '../api/admin/wire.ts';
import { formatDuration } from '../lib/duration.ts';
import { withAdmin } from './admin-client.ts';
import { type FilterFlags, filterOf } from './entry-flags.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { relative } from './print.ts';
import { entryJson } from './show-entry.ts';

const FLAGS = ['--spiffe-id', '--parent-id', '--selector', '--federates-with', '--hint'];

export async function entryList(io: Io, options: FilterFlags): Promise<number> {
  const filter = filterOf(options);
  await withAdmin(io, options, (admin) =>
    printList<WireEntry>(io, {
      output: options.output,
      limit: options.limit,
      name: 'entries',
      heading: ['ID', 'SPIFFE ID', 'TTL', 'EXPIRES', 'SELECTORS'],
      cells: (entry) => [
        entry.id,
        entry.spiffe_id,
        formatDuration(Number(entry.effective_x509_ttl_seconds) * 1_000),
        entry.expires_at === undefined ? '-' : relative(Number(entry.expires_at), io.now()),
        entry.selectors.join(' '),
      ],
      json: entryJson,
      none: 'no entries',
      page: async (size, token) => {
        const request = { filter, page_size: size, page_token: token };
        const { entries, next_page_token } = await withFlagNames(FLAGS, admin.call('ListEntries', request));
        return { rows: entries, next: next_page_token };
      },
    }),
  );
  return 0;
}
