// SPDX-License-Identifier: Apache-2.0
/** `assay svid revoke` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, instant, printJson, printTable, relative } from './print.ts';
import { required } from './usage.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly entryId?: string;
  readonly spiffeId?: string;
  readonly authorityId?: string;
  readonly reason?: string;
}

export async function svidRevoke(io: Io, options: Options, [serial]: readonly string[]): Promise<number> {
  const request = {
    serial,
    entry_id: options.entryId,
    spiffe_id: options.spiffeId,
    authority_id: options.authorityId,
    reason: required(options.reason, '--reason'),
  };
  const call = withAdmin(io, options, (admin) => admin.call('RevokeSvids', request));
  const { count, revoked } = await withFlagNames(['--entry-id', '--spiffe-id', '--authority-id', '--reason'], call);
  if (options.output === 'json') {
    printJson(io, {
      count: Number(count),
      revoked: revoked.map((one) => ({ ...one, not_after: instant(Number(one.not_after)) })),
    });
    return 0;
  }
  const rows = revoked.map((one) => [one.serial, one.kind, one.spiffe_id, relative(Number(one.not_after), io.now())]);
  if (rows.length > 0) printTable(io, ['SERIAL', 'KIND', 'SPIFFE ID', 'WOULD HAVE ENDED'], rows);
  io.talk(`${count} taken back; whoever still matches an entry is given another one at once\n`);
  return 0;
}
