// SPDX-License-Identifier: Apache-2.0
/** Entries and identities as text and as JSON. */
import type { WireEntry, WireIdentity } from '../api/admin/wire.ts';
import type { Int64 } from '../api/admin/wire-values.ts';
import { formatDuration } from '../lib/duration.ts';
import type { Io } from './io.ts';
import { instant, printFields, when } from './print.ts';

/** JSON times are RFC 3339, absent values null. */
export function entryJson(entry: WireEntry): object {
  return {
    id: entry.id,
    spiffe_id: entry.spiffe_id,
    parent_id: entry.parent_id,
    selectors: entry.selectors,
    x509_ttl_seconds: numberOrNull(entry.x509_ttl_seconds),
    effective_x509_ttl_seconds: Number(entry.effective_x509_ttl_seconds),
    effective_x509_ttl_from: entry.effective_x509_ttl_from,
    jwt_ttl_seconds: numberOrNull(entry.jwt_ttl_seconds),
    effective_jwt_ttl_seconds: numberOrNull(entry.effective_jwt_ttl_seconds),
    effective_jwt_ttl_from: entry.effective_jwt_ttl_from === '' ? null : entry.effective_jwt_ttl_from,
    jwt_jti: entry.jwt_jti,
    dns_names: entry.dns_names,
    federates_with: entry.federates_with,
    hint: entry.hint,
    expires_at: timeOrNull(entry.expires_at),
    strength: entry.strength === '' ? null : entry.strength,
    claimed_accepted: entry.claimed_accepted,
    created_at: instant(Number(entry.created_at)),
    created_by: entry.created_by,
    revision: Number(entry.revision),
  };
}

export function identityJson(identity: WireIdentity): object {
  const labels: Record<string, string> = Object.create(null);
  for (const { key, value } of identity.labels) labels[key] = value;
  return {
    spiffe_id: identity.spiffe_id,
    state: identity.state,
    state_reason: identity.state_reason === '' ? null : identity.state_reason,
    state_since: instant(Number(identity.state_since)),
    kind: identity.kind,
    owner: identity.owner,
    deputy: identity.deputy === '' ? null : identity.deputy,
    purpose: identity.purpose === '' ? null : identity.purpose,
    environment: identity.environment === '' ? null : identity.environment,
    labels,
    expires_at: instant(Number(identity.expires_at)),
    review_by: timeOrNull(identity.review_by),
    created_at: instant(Number(identity.created_at)),
    created_by: identity.created_by,
    revision: Number(identity.revision),
  };
}

export function printEntry(io: Io, entry: WireEntry): void {
  const now = io.now();
  printFields(io, [
    ['entry', entry.id],
    ['spiffe id', entry.spiffe_id],
    ['parent', entry.parent_id],
    ...entry.selectors.map((selector): [string, string] => ['selector', selector]),
    ['strength', strengthText(entry)],
    ['x509 ttl', ttlText(entry.x509_ttl_seconds, entry.effective_x509_ttl_seconds, entry.effective_x509_ttl_from)],
    ['jwt ttl', jwtTtlText(entry)],
    ['jwt jti', entry.jwt_jti ? 'in each, which is given once' : undefined],
    ...entry.dns_names.map((name): [string, string] => ['dns', name]),
    ...entry.federates_with.map((name): [string, string] => ['federates with', name]),
    ['hint', entry.hint === '' ? undefined : entry.hint],
    ['expires', entry.expires_at === undefined ? undefined : when(Number(entry.expires_at), now)],
    ['created', `${when(Number(entry.created_at), now)} by ${entry.created_by}`],
    ['revision', entry.revision],
  ]);
}

export function printIdentity(io: Io, identity: WireIdentity): void {
  const now = io.now();
  const since = when(Number(identity.state_since), now);
  const reason = identity.state_reason === '' ? '' : `: ${identity.state_reason}`;
  printFields(io, [
    ['identity', identity.spiffe_id],
    ['state', identity.state === 'active' ? 'active' : `${identity.state} since ${since}${reason}`],
    ['kind', identity.kind],
    ['owner', identity.owner],
    ['deputy', identity.deputy === '' ? undefined : identity.deputy],
    ['purpose', identity.purpose === '' ? undefined : identity.purpose],
    ['environment', identity.environment === '' ? undefined : identity.environment],
    ...identity.labels.map(({ key, value }): [string, string] => ['label', `${key}=${value}`]),
    ['expires', when(Number(identity.expires_at), now)],
    ['review by', identity.review_by === undefined ? undefined : when(Number(identity.review_by), now)],
    ['created', `${when(Number(identity.created_at), now)} by ${identity.created_by}`],
    ['revision', identity.revision],
  ]);
}

const TTL_FROM: ReadonlyMap<string, string> = new Map([
  ['entry', ''],
  ['default', ' (the default)'],
  ['legacy', ' (capped: lifecycle.legacy_max_ttl)'],
  ['ca', ' (capped: a sixth of ca.ttl)'],
  ['entry_expiry', ' (cut short by the end of the entry)'],
  ['identity_expiry', ' (cut short by the end of the identity)'],
]);

function jwtTtlText({
  jwt_ttl_seconds: asked,
  effective_jwt_ttl_seconds: given,
  effective_jwt_ttl_from: from,
}: WireEntry): string {
  return given === undefined ? 'JWT-SVIDs are switched off here' : ttlText(asked, given, from);
}

function ttlText(askedSeconds: Int64 | undefined, givenSeconds: Int64, bound: string): string {
  const effective = formatDuration(Number(givenSeconds) * 1_000);
  const asked = askedSeconds === undefined ? undefined : formatDuration(Number(askedSeconds) * 1_000);
  const from = TTL_FROM.get(bound) ?? '';
  return asked === undefined || asked === effective
    ? `${effective}${from}`
    : `${asked} asked, ${effective} given${from}`;
}

function strengthText(entry: WireEntry): string {
  if (entry.strength === '') return 'unknown: no attestor here gives these selectors';
  return entry.claimed_accepted
    ? `${entry.strength} (a process of the same user can fake it; accepted)`
    : entry.strength;
}

function numberOrNull(value: string | undefined): number | null {
  return value === undefined ? null : Number(value);
}

function timeOrNull(value: string | undefined): string | null {
  return value === undefined ? null : instant(Number(value));
}
