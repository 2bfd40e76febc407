// SPDX-License-Identifier: Apache-2.0
/** `assay svid list` */
import type { WireSvid } from '../api/admin/wire.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { type Format, relative } from './print.ts';
import { svidJson, svidState } from './show-svid.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly limit?: string;
  readonly active?: boolean;
  readonly revoked?: boolean;
  readonly spiffeId?: string;
  readonly entryId?: string;
}

export async function svidList(io: Io, options: Options): Promise<number> {
  await withAdmin(io, options, (admin) =>
    printList<WireSvid>(io, {
      output: options.output,
      limit: options.limit,
      name: 'svids',
      heading: ['SERIAL', 'SPIFFE ID', 'ENTRY', 'ISSUED', 'STATE', 'UID', 'PID', 'MARKS'],
      cells: (svid) => [
        svid.serial,
        svid.spiffe_id,
        svid.entry_id,
        relative(Number(svid.issued_at), io.now()),
        svidState(svid, io.now()),
        svid.uid,
        svid.pid,
        svid.marks.join(' '),
      ],
      json: svidJson,
      none: 'no SVIDs',
      page: async (size, token) => {
        const request = {
          active: options.active,
          revoked: options.revoked,
          spiffe_id: options.spiffeId,
          entry_id: options.entryId,
          page_size: size,
          page_token: token,
        };
        const call = admin.call('ListSvids', request);
        const { svids, next_page_token } = await withFlagNames(['--spiffe-id', '--entry-id'], call);
        return { rows: svids, next: next_page_token };
      },
    }),
  );
  return 0;
}
