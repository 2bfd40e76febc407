// SPDX-License-Identifier: Apache-2.0
/** `assay entry show` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { entryJson, identityJson, printEntry, printIdentity } from './show-entry.ts';

export async function entryShow(
  io: Io,
  options: AdminOptions & { readonly output: Format },
  [id = '']: readonly string[],
): Promise<number> {
  const { entry, identity } = await withAdmin(io, options, (admin) => admin.call('GetEntry', { id }));
  if (options.output === 'json') {
    printJson(io, { entry: entryJson(entry), identity: identity === null ? null : identityJson(identity) });
    return 0;
  }
  printEntry(io, entry);
  if (identity !== null) {
    io.out('\n');
    printIdentity(io, identity);
  }
  return 0;
}
