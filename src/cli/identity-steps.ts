// SPDX-License-Identifier: Apache-2.0
/** `assay identity activate`, `renew` and `retire`. */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { identityJson, printIdentity } from './show-entry.ts';
import { showStepped } from './show-stepped.ts';
import { required } from './usage.ts';
import { whenFlag } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
}

export async function identityActivate(io: Io, options: Options, [spiffeId = '']: readonly string[]): Promise<number> {
  const call = withAdmin(io, options, (admin) => admin.call('ActivateIdentity', { spiffe_id: spiffeId }));
  return showStepped(io, options, await call);
}

export async function identityRenew(
  io: Io,
  options: Options & { readonly expires?: string; readonly owner?: string },
  [spiffeId = '']: readonly string[],
): Promise<number> {
  const until = options.expires === undefined ? undefined : whenFlag(options.expires, '--expires', io.now());
  const owner = options.owner === undefined ? undefined : required(options.owner, '--owner');
  const request = { spiffe_id: spiffeId, expires_at: until, owner };
  const call = withAdmin(io, options, (admin) => admin.call('RenewIdentity', request));
  return showStepped(io, options, await withFlagNames(['--expires', '--owner'], call));
}

export async function identityRetire(
  io: Io,
  options: Options & { readonly reason?: string },
  [spiffeId = '']: readonly string[],
): Promise<number> {
  const request = { spiffe_id: spiffeId, reason: required(options.reason, '--reason') };
  const { identity } = await withAdmin(io, options, (admin) =>
    withFlagNames(['--reason'], admin.call('RetireIdentity', request)),
  );
  if (options.output === 'json') printJson(io, { identity: identityJson(identity) });
  else printIdentity(io, identity);
  return 0;
}
