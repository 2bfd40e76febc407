// SPDX-License-Identifier: Apache-2.0
/** `assay authority x509|jwt revoke`, `assay ca revoke` */
import type { AuthorityKind } from '../api/admin/wire-authority.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, printFields, printJson } from './print.ts';
import { authorityJson } from './show-authority.ts';

export async function authorityRevoke(
  kind: AuthorityKind,
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly force?: boolean },
  [id = '']: readonly string[],
): Promise<number> {
  const request = { kind, authority_id: id, force: options.force ?? false };
  const answer = await withAdmin(io, options, (admin) => admin.call('RevokeAuthority', request));
  const { authority, bundle_sequence: sequence } = answer;
  if (options.output === 'json')
    printJson(io, { revoked: authorityJson(authority), bundle_sequence: Number(sequence) });
  else
    printFields(io, [
      ['revoked', authority.id],
      ['bundle', `sequence ${sequence}, without it`],
    ]);
  return 0;
}
