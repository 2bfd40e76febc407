// SPDX-License-Identifier: Apache-2.0
/** `assay entry delete` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, plain, printJson } from './print.ts';
import { entryJson } from './show-entry.ts';

export async function entryDelete(
  io: Io,
  options: AdminOptions & { readonly output: Format },
  [id = '']: readonly string[],
): Promise<number> {
  const { entry } = await withAdmin(io, options, (admin) => admin.call('DeleteEntry', { id }));
  if (options.output === 'json') printJson(io, { deleted: entryJson(entry) });
  else io.out(`deleted ${plain(entry.id)} (${plain(entry.spiffe_id)})\n`);
  return 0;
}
