// SPDX-License-Identifier: Apache-2.0
/**
 * Records to columns and back. Lists of words that cannot hold a space or a line break are kept as one text; labels, which
 * may hold anything, as JSON pairs, never as an object (attack B7).
 */
import { createHash } from 'node:crypto';
import { Failure } from '../../lib/failure.ts';
import { labelsOf, labelsText, words } from '../packed.ts';
import type {
  AuthorityRecord,
  BundleRecord,
  Change,
  EntryRecord,
  FederationRecord,
  IdentityKind,
  IdentityRecord,
  IdentityState,
  IssuanceRecord,
  NewIssuance,
} from '../records.ts';
import type { BundleReplacement } from '../store.ts';
import type { Value } from './wire.ts';

export const IDENTITY_COLUMNS =
  'spiffe_id, owner, purpose, kind, environment, labels, state, state_reason, state_since, expires_at, created_at, created_by, revision, deputy, review_by';

export function identityValues(identity: IdentityRecord): Value[] {
  return [
    identity.spiffeId,
    identity.owner,
    identity.purpose,
    identity.kind,
    identity.environment,
    labelsText(identity.labels),
    identity.state,
    identity.stateReason,
    identity.stateSince,
    identity.expiresAt,
    identity.createdAt,
    identity.createdBy,
    identity.revision,
    identity.deputy,
    identity.reviewBy,
  ];
}

/** All rows as one text, in the form of packed.ts; char(31) ends a field, char(30) a row. */
export const PACKED_IDENTITIES = `CAST(group_concat(concat_ws(char(31), t.spiffe_id, t.state, t.expires_at,
  coalesce(t.review_by, ''), t.owner,
  coalesce(t.purpose, ''), t.kind, coalesce(t.environment, ''), t.labels, coalesce(t.state_reason, ''), t.state_since,
  t.created_at, t.created_by, t.revision, coalesce(t.deputy, '')), char(30)) AS BLOB)`;

export function identityOf(row: readonly unknown[]): IdentityRecord {
  return {
    spiffeId: row[0] as string,
    owner: row[1] as string,
    purpose: row[2] as string | null,
    kind: row[3] as IdentityKind,
    environment: row[4] as string | null,
    labels: labelsOf(row[5] as string),
    state: row[6] as IdentityState,
    stateReason: row[7] as string | null,
    stateSince: row[8] as number,
    expiresAt: row[9] as number,
    createdAt: row[10] as number,
    createdBy: row[11] as string,
    revision: row[12] as number,
    deputy: row[13] as string | null,
    reviewBy: row[14] as number | null,
  };
}

/** All of an entry but its identity, which the table names by number. */
export const ENTRY_COLUMNS =
  'id, parent_id, selectors, selector_set, x509_ttl_seconds, jwt_ttl_seconds, dns_names, federates_with, hint, expires_at, created_at, created_by, revision, claimed_accepted, admin, downstream, store_svid, jwt_jti';

export function entryValues(entry: EntryRecord): Value[] {
  const selectors = entry.selectors.join('\n');
  return [
    entry.id,
    entry.parentId,
    selectors,
    // Stands for parent and selectors in one short unique key: "set again" is refused (design section 5).
    createHash('sha256').update(`${entry.parentId}\n${selectors}`).digest().subarray(0, 16),
    entry.x509TtlSeconds,
    entry.jwtTtlSeconds,
    entry.dnsNames.join(' '),
    entry.federatesWith.join(' '),
    entry.hint,
    entry.expiresAt,
    entry.createdAt,
    entry.createdBy,
    entry.revision,
    Number(entry.claimedAccepted),
    Number(entry.admin),
    Number(entry.downstream),
    Number(entry.storeSvid),
    Number(entry.jwtJti),
  ];
}

/** Where in the values. */
export const ENTRY_REVISION = 12;

export const ENTRY_READ_COLUMNS =
  't.id, i.spiffe_id, t.parent_id, t.selectors, t.x509_ttl_seconds, t.jwt_ttl_seconds, t.dns_names, t.federates_with, t.hint, t.expires_at, t.created_at, t.created_by, t.revision, t.claimed_accepted, t.admin, t.downstream, t.store_svid, t.jwt_jti';

export const PACKED_ENTRIES = `CAST(group_concat(concat_ws(char(31), t.id, i.spiffe_id, t.created_at, t.parent_id,
  t.selectors, coalesce(t.x509_ttl_seconds, ''), coalesce(t.jwt_ttl_seconds, ''), t.dns_names, t.federates_with, t.hint,
  coalesce(t.expires_at, ''), t.created_by, t.revision,
  t.claimed_accepted || t.admin || t.downstream || t.store_svid || t.jwt_jti), char(30)) AS BLOB)`;

export function entryOf(row: readonly unknown[]): EntryRecord {
  return {
    id: row[0] as string,
    spiffeId: row[1] as string,
    parentId: row[2] as string,
    selectors: (row[3] as string).split('\n'),
    x509TtlSeconds: row[4] as number | null,
    jwtTtlSeconds: row[5] as number | null,
    dnsNames: words(row[6] as string),
    federatesWith: words(row[7] as string),
    hint: row[8] as string,
    expiresAt: row[9] as number | null,
    createdAt: row[10] as number,
    createdBy: row[11] as string,
    revision: row[12] as number,
    claimedAccepted: row[13] === 1,
    admin: row[14] === 1,
    downstream: row[15] === 1,
    storeSvid: row[16] === 1,
    jwtJti: row[17] === 1,
  };
}

export const AUTHORITY_COLUMNS =
  'id, kind, slot, published, key_ref, key_type, not_before, not_after, prepared_at, activated_at, old_at, last_svid_not_after, revision, tainted_at';

export function authorityValues(authority: AuthorityRecord): Value[] {
  return [
    authority.id,
    authority.kind,
    authority.slot,
    authority.published,
    authority.keyRef,
    authority.keyType,
    authority.notBefore,
    authority.notAfter,
    authority.preparedAt,
    authority.activatedAt,
    authority.oldAt,
    authority.lastSvidNotAfter,
    authority.revision,
    authority.taintedAt,
  ];
}

export function authorityOf(row: readonly unknown[]): AuthorityRecord {
  return {
    id: row[0] as string,
    kind: row[1] as AuthorityRecord['kind'],
    slot: row[2] as AuthorityRecord['slot'],
    published: row[3] as Buffer,
    keyRef: row[4] as string,
    keyType: row[5] as string,
    notBefore: row[6] as number,
    notAfter: row[7] as number,
    preparedAt: row[8] as number,
    activatedAt: row[9] as number | null,
    oldAt: row[10] as number | null,
    lastSvidNotAfter: row[11] as number,
    revision: row[12] as number,
    taintedAt: row[13] as number | null,
  };
}

/** As many as wire.ts says, in the order that IssuanceCommands.record reads. */
export function pushIssuance(out: unknown[], issuance: NewIssuance): void {
  const { decidedOn } = issuance;
  if (decidedOn.entryId !== issuance.entryId || decidedOn.authorityId !== issuance.authorityId) {
    throw new Failure(
      'internal',
      'DECISION_MISMATCH',
      'an issuance names another entry or authority than its decision',
    );
  }
  out.push(
    issuance.entryId,
    decidedOn.entryRevision,
    decidedOn.identityRevision,
    issuance.authorityId,
    issuance.spiffeId,
    issuance.serial,
    issuance.kind,
    issuance.issuedAt,
    issuance.notBefore,
    issuance.notAfter,
    issuance.askedTtlMs,
    issuance.pid,
    issuance.uid,
    issuance.gid,
    issuance.startTime,
    issuance.marks.length === 0 ? '' : issuance.marks.join(' '),
    issuance.facts,
    issuance.audiences.length === 0 ? '' : JSON.stringify(issuance.audiences),
    issuance.task,
  );
}

export const ISSUANCE_READ_COLUMNS =
  't.seq, lower(hex(t.serial)), t.kind, i.spiffe_id, t.entry_id, t.authority_id, t.issued_at, t.not_before, t.not_after, t.asked_ttl_ms, t.pid, t.uid, t.gid, t.start_time, t.marks, t.facts, t.delivered, t.undelivered_reason, t.revoked_at, t.audiences, t.revoke_reason, t.task';

export function issuanceOf(row: readonly unknown[]): IssuanceRecord {
  return {
    seq: row[0] as number,
    serial: row[1] as string,
    kind: row[2] as IssuanceRecord['kind'],
    spiffeId: row[3] as string,
    entryId: row[4] as string,
    authorityId: row[5] as string,
    issuedAt: row[6] as number,
    notBefore: row[7] as number,
    notAfter: row[8] as number,
    askedTtlMs: row[9] as number,
    audiences: row[19] === '' ? [] : (JSON.parse(row[19] as string) as string[]),
    pid: row[10] as number,
    uid: row[11] as number,
    gid: row[12] as number,
    startTime: row[13] as string,
    marks: words(row[14] as string),
    facts: row[15] as string,
    delivered: row[16] === 1,
    undeliveredReason: row[17] as string | null,
    revokedAt: row[18] as number | null,
    revokeReason: row[20] as string | null,
    task: row[21] as string | null,
  };
}

export const FEDERATION_COLUMNS = 'trust_domain, url, profile, endpoint_spiffe_id, origin, created_at, created_by';

/** `answer`: the change of the relationship, and that of its bundle where there was one. */
export function relationshipDeleted(
  [seq = 0, bundle]: readonly number[],
  key: string,
  by: string,
  at: number,
): readonly Change[] {
  const deleted = { at, by, action: 'delete', key } as const;
  const relationship: Change = { seq, kind: 'federation', ...deleted };
  return bundle === undefined ? [relationship] : [relationship, { seq: bundle, kind: 'bundle', ...deleted }];
}

export function federationValues(one: FederationRecord): Value[] {
  return [one.trustDomain, one.url, one.profile, one.endpointSpiffeId, one.origin, one.createdAt, one.createdBy];
}

export function federationOf(row: readonly unknown[]): FederationRecord {
  return {
    trustDomain: row[0] as string,
    url: row[1] as string,
    profile: row[2] as FederationRecord['profile'],
    endpointSpiffeId: row[3] as string | null,
    origin: row[4] as FederationRecord['origin'],
    createdAt: row[5] as number,
    createdBy: row[6] as string,
  };
}

/** Trust domain, certificates, JWT keys as kid and public key, sequence, refresh hint in seconds. */
export type BundleValues = [
  string,
  readonly Uint8Array[],
  readonly (readonly [string, Uint8Array])[],
  string | null,
  number | null,
];

/** The sequence as text: it may have 64 bits, more than SQLite's integers hold without a sign. */
export function bundleValues({ trustDomain, certificates, jwtKeys, ...one }: BundleRecord): BundleValues {
  const keys = jwtKeys.map(({ kid, publicKey }) => [kid, publicKey] as const);
  return [trustDomain, certificates, keys, one.sequence?.toString() ?? null, one.refreshHintSeconds];
}

/** The changes of bundles written in one step, which follow each other. */
export function bundleChanges(
  { put, deleted }: BundleReplacement,
  first: number,
  by: string,
  at: number,
): readonly Change[] {
  return [
    ...put.map((bundle) => ({ action: 'put', key: bundle.trustDomain, bundle }) as const),
    ...deleted.map((key) => ({ action: 'delete', key }) as const),
  ].map((change, place) => ({ seq: first + place, at, by, kind: 'bundle', ...change }));
}
