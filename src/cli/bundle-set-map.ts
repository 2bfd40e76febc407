// SPDX-License-Identifier: Apache-2.0
/** `assay bundle set --format map`: all bundles set by hand, in one step. */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, plain, printJson } from './print.ts';
import { bundleJson, sayBundle } from './show-bundle.ts';

export async function bundleSetMap(
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly mode?: string },
  document: Buffer,
): Promise<number> {
  const request = { document, mode: options.mode ?? '' };
  const { set, unchanged, deleted } = await withAdmin(io, options, (admin) =>
    withFlagNames(['--mode'], admin.call('SetBundleMap', request)),
  );
  if (options.output === 'json') {
    printJson(io, { set: set.map(bundleJson), unchanged, deleted });
    return 0;
  }
  for (const bundle of set) sayBundle(io, bundle);
  for (const trustDomain of unchanged) io.out(`${plain(trustDomain)}: unchanged\n`);
  for (const trustDomain of deleted) io.out(`deleted ${plain(trustDomain)}\n`);
  if (set.length + unchanged.length === 0) io.talk('the map is empty: no bundle is set by hand any more\n');
  return 0;
}
