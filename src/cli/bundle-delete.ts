// SPDX-License-Identifier: Apache-2.0
/** `assay bundle delete` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, plain, printJson } from './print.ts';

export async function bundleDelete(
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly mode: string },
  [trustDomain = '']: readonly string[],
): Promise<number> {
  await withAdmin(io, options, (admin) =>
    withFlagNames(['--mode'], admin.call('DeleteBundle', { trust_domain: trustDomain, mode: options.mode })),
  );
  if (options.output === 'json') printJson(io, { deleted: { trust_domain: trustDomain } });
  else io.out(`deleted ${plain(trustDomain)}\n`);
  return 0;
}
