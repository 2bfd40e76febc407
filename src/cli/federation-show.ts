// SPDX-License-Identifier: Apache-2.0
/** `assay federation show`, `assay federation refresh` and `assay federation delete` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, plain, printJson } from './print.ts';
import { federationJson, printFederation } from './show-federation.ts';

type Options = AdminOptions & { readonly output: Format };

export async function federationShow(io: Io, options: Options, [name = '']: readonly string[]): Promise<number> {
  const { federation } = await withAdmin(io, options, (admin) => admin.call('GetFederation', { trust_domain: name }));
  if (options.output === 'json') printJson(io, { federation: federationJson(federation) });
  else printFederation(io, federation);
  return 0;
}

export async function federationRefresh(io: Io, options: Options, [name = '']: readonly string[]): Promise<number> {
  const { federation } = await withAdmin(io, options, (admin) =>
    admin.call('RefreshFederation', { trust_domain: name }),
  );
  const { last_result: result, last_reason: reason } = federation;
  if (result === 'ignored') io.talk(`warning: what was fetched is ignored: ${plain(reason)}\n`);
  if (options.output === 'json') printJson(io, { federation: federationJson(federation) });
  else io.out(`${plain(federation.trust_domain)}: ${plain(result)}\n`);
  return 0;
}

export async function federationDelete(io: Io, options: Options, [name = '']: readonly string[]): Promise<number> {
  const { federation } = await withAdmin(io, options, (admin) =>
    admin.call('DeleteFederation', { trust_domain: name }),
  );
  if (options.output === 'json') printJson(io, { deleted: federationJson(federation) });
  else io.out(`deleted ${plain(federation.trust_domain)}, and its bundle\n`);
  return 0;
}
