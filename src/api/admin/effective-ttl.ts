// SPDX-License-Identifier: Apache-2.0
/** How long an SVID of an entry would live if it were made now, and what bounds it (I5), for `entry show`. */
import { cappedTtlMs, ttlOfKindMs } from '../../config/lifetimes.ts';
import type { EntryRecord, IdentityRecord } from '../../store/records.ts';

export interface EffectiveTtl {
  readonly ms: number;
  readonly from: 'entry' | 'default' | 'legacy' | 'ca' | 'entry_expiry' | 'identity_expiry';
}

export interface TtlBounds {
  readonly now: number;
  /** Of this kind of SVID, where the entry asks for none. */
  readonly defaultTtlMs: number;
  readonly caTtlMs: number;
  readonly legacyMaxTtlMs: number;
}

/** `askedSeconds`: the entry's own TTL for this kind of SVID. */
export function effectiveTtl(
  askedSeconds: number | null,
  entry: Pick<EntryRecord, 'expiresAt'>,
  identity: Pick<IdentityRecord, 'kind' | 'expiresAt'> | undefined,
  opts: TtlBounds,
): EffectiveTtl {
  const asked = askedSeconds === null ? opts.defaultTtlMs : askedSeconds * 1_000;
  let ttl: EffectiveTtl = { ms: asked, from: askedSeconds === null ? 'default' : 'entry' };
  const atMost = (ms: number, from: EffectiveTtl['from']): void => {
    if (ms < ttl.ms) ttl = { ms: Math.max(0, ms), from };
  };
  if (identity !== undefined) atMost(ttlOfKindMs(asked, identity.kind, opts.legacyMaxTtlMs), 'legacy');
  atMost(cappedTtlMs(asked, opts.caTtlMs), 'ca');
  if (entry.expiresAt !== null) atMost(entry.expiresAt - opts.now, 'entry_expiry');
  if (identity !== undefined) atMost(identity.expiresAt - opts.now, 'identity_expiry');
  return ttl;
}
