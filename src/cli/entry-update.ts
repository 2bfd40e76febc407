// SPDX-License-Identifier: Apache-2.0
/** `assay entry update` */
import { withAdmin } from './admin-client.ts';
import { ENTRY_FLAG_NAMES, type EntryFlags, namedFields } from './entry-flags.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { plain, printJson } from './print.ts';
import { entryJson, printEntry } from './show-entry.ts';
import { usage } from './usage.ts';

export async function entryUpdate(io: Io, options: EntryFlags, [id = '']: readonly string[]): Promise<number> {
  const { entry: changed, fields } = namedFields(options, io.now());
  if (fields.length === 0)
    throw usage('entry update', undefined, 'changes nothing', 'name what to change, such as --x509-ttl 30m');
  const request = { id, entry: changed, fields, accept_claimed_selectors: options.acceptClaimedSelectors };
  const { entry, warnings } = await withAdmin(io, options, (admin) =>
    withFlagNames(ENTRY_FLAG_NAMES, admin.call('UpdateEntry', request)),
  );
  if (options.output === 'json') {
    printJson(io, { entry: entryJson(entry), warnings });
    return 0;
  }
  for (const warning of warnings) io.talk(`warning: ${plain(warning)}\n`);
  printEntry(io, entry);
  return 0;
}
