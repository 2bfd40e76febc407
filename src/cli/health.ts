// SPDX-License-Identifier: Apache-2.0
/** `assay health`: 0 while the daemon can do its work (green, yellow), 1 otherwise. */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, instant, printJson, relative } from './print.ts';
import { checkJson, printChecks } from './show-checks.ts';

export async function health(io: Io, options: AdminOptions & { readonly output: Format }): Promise<number> {
  const seen = await withAdmin(io, options, (admin) => admin.call('GetHealth', {}));
  if (options.output === 'json') {
    printJson(io, {
      status: seen.status,
      trust_domain: seen.trust_domain,
      node_id: seen.node_id,
      version: seen.version,
      started_at: instant(Number(seen.started_at)),
      now: instant(Number(seen.now)),
      checks: seen.checks.map(checkJson),
    });
  } else {
    const started = relative(Number(seen.started_at), Number(seen.now));
    io.out(`${seen.status}: assay ${seen.version} for ${seen.trust_domain}, started ${started}\n`);
    printChecks(io, seen.checks);
  }
  return seen.status === 'red' ? 1 : 0;
}
