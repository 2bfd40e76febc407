// SPDX-License-Identifier: Apache-2.0
/** Records as messages. */
import type { AuthorityRecord, EntryRecord, IdentityRecord, IssuanceRecord } from '../../store/records.ts';
import type { AdminDeps, Check } from './deps.ts';
import { effectiveTtl } from './effective-ttl.ts';
import type { Outgoing, WireCheck, WireEntry, WireIdentity, WireSvid } from './wire.ts';
import type { WireAuthority } from './wire-authority.ts';

export type EntryShower = (entry: EntryRecord) => Outgoing<WireEntry>;

type ShowingDeps = Pick<
  AdminDeps,
  'registry' | 'authorities' | 'defaultX509TtlMs' | 'defaultJwtTtlMs' | 'legacyMaxTtlMs' | 'strengthOf' | 'now'
>;

export function entryShower(deps: ShowingDeps): EntryShower {
  const { x509, jwt } = deps.authorities;
  return (entry) => {
    const identity = deps.registry.identity(entry.spiffeId);
    const bounds = { now: deps.now(), caTtlMs: x509.show().caTtlMs, legacyMaxTtlMs: deps.legacyMaxTtlMs };
    const ttl = effectiveTtl(entry.x509TtlSeconds, entry, identity, { ...bounds, defaultTtlMs: deps.defaultX509TtlMs });
    const jwtTtl =
      jwt && effectiveTtl(entry.jwtTtlSeconds, entry, identity, { ...bounds, defaultTtlMs: deps.defaultJwtTtlMs });
    return {
      id: entry.id,
      spiffe_id: entry.spiffeId,
      parent_id: entry.parentId,
      selectors: entry.selectors,
      x509_ttl_seconds: entry.x509TtlSeconds ?? undefined,
      jwt_ttl_seconds: entry.jwtTtlSeconds ?? undefined,
      dns_names: entry.dnsNames,
      federates_with: entry.federatesWith,
      hint: entry.hint,
      expires_at: entry.expiresAt ?? undefined,
      claimed_accepted: entry.claimedAccepted,
      jwt_jti: entry.jwtJti,
      created_at: entry.createdAt,
      created_by: entry.createdBy,
      revision: entry.revision,
      effective_x509_ttl_seconds: Math.floor(ttl.ms / 1_000),
      effective_x509_ttl_from: ttl.from,
      strength: deps.strengthOf(entry.selectors) ?? '',
      effective_jwt_ttl_seconds: jwtTtl && Math.floor(jwtTtl.ms / 1_000),
      effective_jwt_ttl_from: jwtTtl?.from ?? '',
    };
  };
}

export function showIdentity(identity: IdentityRecord): Outgoing<WireIdentity> {
  return {
    spiffe_id: identity.spiffeId,
    owner: identity.owner,
    purpose: identity.purpose ?? '',
    kind: identity.kind,
    environment: identity.environment ?? '',
    labels: [...identity.labels].map(([key, value]) => ({ key, value })),
    state: identity.state,
    state_reason: identity.stateReason ?? '',
    state_since: identity.stateSince,
    expires_at: identity.expiresAt,
    created_at: identity.createdAt,
    created_by: identity.createdBy,
    revision: identity.revision,
    deputy: identity.deputy ?? '',
    review_by: identity.reviewBy ?? undefined,
  };
}

/** Without the attested facts: selectors may hold secrets (I10), and reading needs no more than a role. */
export function showSvid(row: IssuanceRecord): Outgoing<WireSvid> {
  return {
    seq: row.seq,
    serial: row.serial,
    kind: row.kind,
    spiffe_id: row.spiffeId,
    entry_id: row.entryId,
    authority_id: row.authorityId,
    issued_at: row.issuedAt,
    not_before: row.notBefore,
    not_after: row.notAfter,
    asked_ttl_ms: row.askedTtlMs,
    pid: row.pid,
    uid: row.uid,
    gid: row.gid,
    start_time: row.startTime,
    audiences: row.audiences,
    marks: row.marks,
    delivered: row.delivered,
    undelivered_reason: row.undeliveredReason ?? '',
    revoked_at: row.revokedAt ?? undefined,
    revoke_reason: row.revokeReason ?? '',
  };
}

const NONE = Buffer.alloc(0);

export function showAuthority(record: AuthorityRecord & { readonly keyHeld: boolean }): Outgoing<WireAuthority> {
  return {
    id: record.id,
    kind: record.kind,
    slot: record.slot,
    key_type: record.keyType,
    not_before: record.notBefore,
    not_after: record.notAfter,
    prepared_at: record.preparedAt,
    activated_at: record.activatedAt ?? undefined,
    old_at: record.oldAt ?? undefined,
    tainted_at: record.taintedAt ?? undefined,
    last_svid_not_after: record.lastSvidNotAfter,
    certificate: record.kind === 'x509' ? record.published : NONE,
    public_key: record.kind === 'x509' ? NONE : record.published,
    key_held: record.keyHeld,
  };
}

export function showCheck(check: Check): Outgoing<WireCheck> {
  return { name: check.name, status: check.status, text: check.text, hint: check.hint ?? '' };
}
