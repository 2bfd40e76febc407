// SPDX-License-Identifier: Apache-2.0
/** `assay authority x509|jwt|wit show`, `assay ca show` */

import type { AuthorityKind } from '../api/admin/wire-authority.ts';
import { formatDuration } from '../lib/duration.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, instant, printFields, printJson, when } from './print.ts';
import { authorityJson, printAuthority } from './show-authority.ts';

const WORDS: ReadonlyMap<string, string> = new Map([
  ['prepare', 'the next authority is published'],
  ['activate', 'it begins to sign'],
  ['prune', 'it leaves the bundle'],
]);

export async function authorityShow(
  kind: AuthorityKind,
  io: Io,
  options: AdminOptions & { readonly output: Format },
): Promise<number> {
  const view = await withAdmin(io, options, (admin) => admin.call('GetAuthorities', { kind }));
  if (options.output === 'json') {
    printJson(io, {
      ca_ttl_seconds: Number(view.ca_ttl_ms) / 1_000,
      bundle_sequence: Number(view.bundle_sequence),
      refresh_hint_seconds: Number(view.refresh_hint_seconds),
      authorities: view.authorities.map(authorityJson),
      planned: view.planned.map(({ what, authority_id, at }) => ({
        what,
        authority_id: authority_id === '' ? null : authority_id,
        at: instant(Number(at)),
      })),
    });
    return 0;
  }
  printFields(io, [
    ['ca ttl', formatDuration(Number(view.ca_ttl_ms))],
    ['bundle', `sequence ${view.bundle_sequence}, refresh hint ${view.refresh_hint_seconds}s`],
    ...view.planned.map(({ what, authority_id, at }): [string, string] => [
      'next',
      `${when(Number(at), io.now())} ${WORDS.get(what) ?? what}${authority_id === '' ? '' : ` (${authority_id})`}`,
    ]),
  ]);
  for (const authority of view.authorities) {
    io.out('\n');
    printAuthority(io, authority);
  }
  return 0;
}
