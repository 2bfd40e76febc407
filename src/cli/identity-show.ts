// SPDX-License-Identifier: Apache-2.0
/** `assay identity show` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { entryJson, identityJson, printEntry, printIdentity } from './show-entry.ts';

export async function identityShow(
  io: Io,
  options: AdminOptions & { readonly output: Format },
  [spiffeId = '']: readonly string[],
): Promise<number> {
  const { identity, entries } = await withAdmin(io, options, (admin) =>
    admin.call('GetIdentity', { spiffe_id: spiffeId }),
  );
  if (options.output === 'json') {
    printJson(io, { identity: identityJson(identity), entries: entries.map(entryJson) });
    return 0;
  }
  printIdentity(io, identity);
  for (const entry of entries) {
    io.out('\n');
    printEntry(io, entry);
  }
  return 0;
}
