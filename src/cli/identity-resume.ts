// SPDX-License-Identifier: Apache-2.0
/** `assay identity resume` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import type { Format } from './print.ts';
import { showStepped } from './show-stepped.ts';
import { whenFlag } from './values.ts';

export async function identityResume(
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly expires?: string },
  [spiffeId = '']: readonly string[],
): Promise<number> {
  const until = options.expires === undefined ? undefined : whenFlag(options.expires, '--expires', io.now());
  const request = { spiffe_id: spiffeId, expires_at: until };
  const call = withAdmin(io, options, (admin) => admin.call('ResumeIdentity', request));
  return showStepped(io, options, await withFlagNames(['--expires'], call));
}
