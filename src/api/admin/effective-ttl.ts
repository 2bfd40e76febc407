// SPDX-License-Identifier: Apache-2.0
/** How long an X.509-SVID of this entry would live if it were made now, and what bounds it (I5), for `entry show`. */
import { cappedTtlMs } from '../../config/lifetimes.ts';
import type { EntryRecord, IdentityRecord } from '../../store/records.ts';

export interface EffectiveTtl {
  readonly ms: number;
  readonly from: 'entry' | 'default' | 'ca' | 'entry_expiry' | 'identity_expiry';
}

export function effectiveTtl(
  entry: EntryRecord,
  identity: IdentityRecord | undefined,
  opts: { readonly now: number; readonly defaultTtlMs: number; readonly caTtlMs: number },
): EffectiveTtl {
  const asked = entry.x509TtlSeconds === null ? opts.defaultTtlMs : entry.x509TtlSeconds * 1_000;
  let ttl: EffectiveTtl = { ms: asked, from: entry.x509TtlSeconds === null ? 'default' : 'entry' };
  const atMost = (ms: number, from: EffectiveTtl['from']): void => {
    if (ms < ttl.ms) ttl = { ms: Math.max(0, ms), from };
  };
  atMost(cappedTtlMs(asked, opts.caTtlMs), 'ca');
  if (entry.expiresAt !== null) atMost(entry.expiresAt - opts.now, 'entry_expiry');
  if (identity !== undefined) atMost(identity.expiresAt - opts.now, 'identity_expiry');
  return ttl;
}
