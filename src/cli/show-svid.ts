// SPDX-License-Identifier: Apache-2.0
/** Issuance rows as JSON and in words. */
import type { WireSvid } from '../api/admin/wire.ts';
import { instant, relative } from './print.ts';

export function svidJson(svid: WireSvid): object {
  return {
    seq: Number(svid.seq),
    serial: svid.serial,
    kind: svid.kind,
    spiffe_id: svid.spiffe_id,
    entry_id: svid.entry_id,
    authority_id: svid.authority_id,
    issued_at: instant(Number(svid.issued_at)),
    not_before: instant(Number(svid.not_before)),
    not_after: instant(Number(svid.not_after)),
    asked_ttl_seconds: Number(svid.asked_ttl_ms) / 1_000,
    pid: Number(svid.pid),
    uid: Number(svid.uid),
    gid: Number(svid.gid),
    start_time: svid.start_time,
    audiences: svid.audiences,
    marks: svid.marks,
    delivered: svid.delivered,
    undelivered_reason: svid.undelivered_reason === '' ? null : svid.undelivered_reason,
    revoked_at: svid.revoked_at === undefined ? null : instant(Number(svid.revoked_at)),
    revoke_reason: svid.revoke_reason === '' ? null : svid.revoke_reason,
  };
}

/** How it stands, in a word or two. */
export function svidState(svid: WireSvid, now: number): string {
  if (!svid.delivered) return 'not delivered';
  if (svid.revoked_at !== undefined) return 'revoked';
  const ends = Number(svid.not_after);
  return ends < now ? `expired ${relative(ends, now)}` : `ends ${relative(ends, now)}`;
}
