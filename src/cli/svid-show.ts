// SPDX-License-Identifier: Apache-2.0
/** `assay svid show` */
import { formatDuration } from '../lib/duration.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, printFields, printJson, when } from './print.ts';
import { svidJson, svidState } from './show-svid.ts';

export async function svidShow(
  io: Io,
  options: AdminOptions & { readonly output: Format },
  [serial = '']: readonly string[],
): Promise<number> {
  const { svid } = await withAdmin(io, options, (admin) => admin.call('GetSvid', { serial }));
  if (options.output === 'json') {
    printJson(io, { svid: svidJson(svid) });
    return 0;
  }
  const now = io.now();
  const given = Number(svid.not_after) - Number(svid.issued_at);
  printFields(io, [
    ['serial', svid.serial],
    ['spiffe id', svid.spiffe_id],
    ['state', svidState(svid, now)],
    ['entry', svid.entry_id],
    ['authority', svid.authority_id],
    ['issued', when(Number(svid.issued_at), now)],
    ['not before', when(Number(svid.not_before), now)],
    ['not after', when(Number(svid.not_after), now)],
    [
      'ttl',
      `${formatDuration(Number(svid.asked_ttl_ms))} asked, ${formatDuration(Math.max(0, given - (given % 1_000)))} given`,
    ],
    ['process', `pid ${svid.pid}, uid ${svid.uid}, gid ${svid.gid}, started at tick ${svid.start_time}`],
    ['marks', svid.marks.length === 0 ? undefined : svid.marks.join(' ')],
    ['not delivered', svid.delivered ? undefined : svid.undelivered_reason],
    [
      'revoked',
      svid.revoked_at === undefined ? undefined : `${when(Number(svid.revoked_at), now)}: ${svid.revoke_reason}`,
    ],
  ]);
  return 0;
}
