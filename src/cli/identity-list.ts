// SPDX-License-Identifier: Apache-2.0
/** `assay identity list` */
import type { WireIdentity } from '../api/admin/wire.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { type Format, relative } from './print.ts';
import { identityJson } from './show-entry.ts';
import { whenFlag } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly limit?: string;
  /** True when given without a duration. */
  readonly expiring?: string | true;
  readonly state?: string;
  readonly owner?: string;
}

/** The first of the announcements before an identity ends. */
const EXPIRING = '30d';

export async function identityList(io: Io, options: Options): Promise<number> {
  const { expiring } = options;
  const before =
    expiring === undefined ? undefined : whenFlag(expiring === true ? EXPIRING : expiring, '--expiring', io.now());
  await withAdmin(io, options, (admin) =>
    printList<WireIdentity>(io, {
      output: options.output,
      limit: options.limit,
      name: 'identities',
      heading: ['SPIFFE ID', 'STATE', 'KIND', 'OWNER', 'EXPIRES', 'REVIEW'],
      cells: (identity) => [
        identity.spiffe_id,
        identity.state,
        identity.kind,
        identity.owner,
        relative(Number(identity.expires_at), io.now()),
        identity.review_by === undefined ? '-' : relative(Number(identity.review_by), io.now()),
      ],
      json: identityJson,
      none: 'no identities',
      page: async (size, token) => {
        const request = {
          state: options.state,
          owner: options.owner,
          expires_before: before,
          page_size: size,
          page_token: token,
        };
        const call = admin.call('ListIdentities', request);
        const { identities, next_page_token } = await withFlagNames(['--state', '--owner'], call);
        return { rows: identities, next: next_page_token };
      },
    }),
  );
  return 0;
}
