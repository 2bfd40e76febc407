// SPDX-License-Identifier: Apache-2.0
/** `assay finding list` */
import type { WireFinding } from '../api/admin/wire-finding.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { type Format, relative } from './print.ts';
import { evidenceText, findingJson } from './show-finding.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly limit?: string;
  readonly open?: boolean;
  readonly identity?: string;
  readonly detector?: string;
}

export async function findingList(io: Io, options: Options): Promise<number> {
  await withAdmin(io, options, (admin) =>
    printList<WireFinding>(io, {
      output: options.output,
      limit: options.limit,
      name: 'findings',
      heading: ['ID', 'DETECTOR', 'IDENTITY', 'OPENED', 'SEEN', 'STATE', 'EVIDENCE'],
      cells: (finding) => [
        finding.id,
        finding.detector,
        finding.identity,
        relative(Number(finding.opened_at), io.now()),
        `${finding.count}×`,
        finding.closed_at === undefined ? 'open' : 'closed',
        evidenceText(finding),
      ],
      json: findingJson,
      none: 'no findings',
      page: async (size, token) => {
        const { open, identity, detector } = options;
        const call = admin.call('ListFindings', { open, identity, detector, page_size: size, page_token: token });
        const { findings, next_page_token } = await withFlagNames(['--identity', '--detector'], call);
        return { rows: findings, next: next_page_token };
      },
    }),
  );
  return 0;
}
