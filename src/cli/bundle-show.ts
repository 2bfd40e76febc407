// SPDX-License-Identifier: Apache-2.0
/** `assay bundle show`: `--format` prints the document itself, and so goes before `--output`. */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { bundleJson, bundlePem } from './show-bundle.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly format?: 'pem' | 'spiffe';
}

export async function bundleShow(io: Io, options: Options, [trustDomain]: readonly string[]): Promise<number> {
  const { bundle } = await withAdmin(io, options, async (admin) =>
    trustDomain === undefined
      ? await admin.call('GetOwnBundle', {})
      : await admin.call('GetBundle', { trust_domain: trustDomain }),
  );
  if (options.format === 'spiffe') io.out(`${bundle.spiffe_document.trimEnd()}\n`);
  else if (options.format === undefined && options.output === 'json') printJson(io, { bundle: bundleJson(bundle) });
  else io.out(bundlePem(bundle));
  return 0;
}
