// SPDX-License-Identifier: Apache-2.0
/** `assay authority x509|jwt taint`, `assay ca taint` */
import type { AuthorityKind } from '../api/admin/wire-authority.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { authorityJson, printAuthority } from './show-authority.ts';

export async function authorityTaint(
  kind: AuthorityKind,
  io: Io,
  options: AdminOptions & { readonly output: Format },
  [id = '']: readonly string[],
): Promise<number> {
  const request = { kind, authority_id: id };
  const { authority } = await withAdmin(io, options, (admin) => admin.call('TaintAuthority', request));
  if (options.output === 'json') printJson(io, { authority: authorityJson(authority) });
  else printAuthority(io, authority);
  return 0;
}
