// SPDX-License-Identifier: Apache-2.0
/** `assay entry count` */
import { withAdmin } from './admin-client.ts';
import { type FilterFlags, filterOf } from './entry-flags.ts';
import type { Io } from './io.ts';
import { printJson } from './print.ts';

export async function entryCount(io: Io, options: FilterFlags): Promise<number> {
  const { count } = await withAdmin(io, options, (admin) => admin.call('CountEntries', { filter: filterOf(options) }));
  if (options.output === 'json') printJson(io, { count: Number(count) });
  else io.out(`${count}\n`);
  return 0;
}
