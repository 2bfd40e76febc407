// SPDX-License-Identifier: Apache-2.0
/** `assay identity resume` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { identityJson, printIdentity } from './show-entry.ts';
import { whenFlag } from './values.ts';

export async function identityResume(
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly expires?: string },
  [spiffeId = '']: readonly string[],
): Promise<number> {
  const until = options.expires === undefined ? undefined : whenFlag(options.expires, '--expires', io.now());
  const request = { spiffe_id: spiffeId, expires_at: until };
  const { identity } = await withAdmin(io, options, (admin) =>
    withFlagNames(['--expires'], admin.call('ResumeIdentity', request)),
  );
  if (options.output === 'json') printJson(io, { identity: identityJson(identity) });
  else printIdentity(io, identity);
  return 0;
}
