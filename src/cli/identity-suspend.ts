// SPDX-License-Identifier: Apache-2.0
/** `assay identity suspend` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { identityJson, printIdentity } from './show-entry.ts';
import { required } from './usage.ts';

export async function identitySuspend(
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly reason?: string },
  [spiffeId = '']: readonly string[],
): Promise<number> {
  const request = { spiffe_id: spiffeId, reason: required(options.reason, '--reason') };
  const { identity } = await withAdmin(io, options, (admin) =>
    withFlagNames(['--reason'], admin.call('SuspendIdentity', request)),
  );
  if (options.output === 'json') printJson(io, { identity: identityJson(identity) });
  else printIdentity(io, identity);
  return 0;
}
