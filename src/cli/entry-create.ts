// SPDX-License-Identifier: Apache-2.0
/** `assay entry create` */
import { withAdmin } from './admin-client.ts';
import { ENTRY_FLAG_NAMES, type EntryFlags, namedFields } from './entry-flags.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { plain, printJson } from './print.ts';
import { entryJson, identityJson, printEntry } from './show-entry.ts';
import { required } from './usage.ts';
import { labels, whenFlag } from './values.ts';

interface Options extends EntryFlags {
  readonly spiffeId?: string;
  readonly parentId?: string;
  readonly entryId?: string;
  readonly kind?: string;
  readonly owner?: string;
  readonly deputy?: string;
  readonly reviewBy?: string;
  readonly purpose?: string;
  readonly env?: string;
  readonly identityExpires?: string;
  readonly label?: readonly string[];
}

export async function entryCreate(io: Io, options: Options): Promise<number> {
  const now = io.now();
  required(options.selector, '--selector');
  const request = {
    entry: {
      ...namedFields(options, now).entry,
      id: options.entryId,
      spiffe_id: required(options.spiffeId, '--spiffe-id'),
      parent_id: options.parentId,
    },
    kind: options.kind,
    owner: options.owner,
    deputy: options.deputy,
    review_by: options.reviewBy === undefined ? undefined : whenFlag(options.reviewBy, '--review-by', now),
    purpose: options.purpose,
    environment: options.env,
    identity_expires_at:
      options.identityExpires === undefined ? undefined : whenFlag(options.identityExpires, '--identity-expires', now),
    labels: labels(options.label ?? [], '--label'),
    accept_claimed_selectors: options.acceptClaimedSelectors,
  };
  const { entry, identity, warnings } = await withAdmin(io, options, (admin) =>
    withFlagNames(ENTRY_FLAG_NAMES, admin.call('CreateEntry', request)),
  );
  if (options.output === 'json') {
    printJson(io, { entry: entryJson(entry), identity: identityJson(identity), warnings });
    return 0;
  }
  for (const warning of warnings) io.talk(`warning: ${plain(warning)}\n`);
  printEntry(io, entry);
  return 0;
}
