// SPDX-License-Identifier: Apache-2.0
/** A new identity's fields, and whether what is said again agrees with what is registered. */
import { Failure, quote } from '../lib/failure.ts';
import type { Actor, IdentityKind, IdentityRecord } from '../store/records.ts';
import { parseExpiry } from './entry-fields.ts';
import { tooFar } from './identity-failures.ts';
import type { NewIdentity } from './input.ts';
import { ENVIRONMENT_MAX, FREE_TEXT_MAX, LABEL_KEY_MAX, LABELS_MAX, parseText } from './plain-text.ts';

const DAY_MS = 86_400_000;
/** Design decision 13. */
const LIFE_DAYS = 365;
const AGENT_LIFE_DAYS = 90;

const KINDS: ReadonlySet<unknown> = new Set(['service', 'job', 'bot', 'agent', 'legacy']);

export function actorName(actor: Actor): string {
  return `uid:${actor.uid}`;
}

export interface SaidOfIdentity {
  readonly owner: string | undefined;
  readonly purpose: string | undefined;
  readonly kind: IdentityKind | undefined;
  readonly environment: string | undefined;
  readonly labels: ReadonlyMap<string, string> | undefined;
  readonly expiresAt: number | undefined;
  readonly deputy: string | undefined;
  readonly reviewBy: number | undefined;
}

export function parseIdentity(said: NewIdentity, now: number): SaidOfIdentity {
  const { owner, purpose, kind, environment, labels, expiresAt, deputy, reviewBy } = said;
  return {
    owner: owner === undefined ? undefined : parseOwner(owner, 'owner'),
    purpose: purpose === undefined ? undefined : parseText(purpose, 'purpose', FREE_TEXT_MAX),
    kind: kind === undefined ? undefined : parseKind(kind),
    environment: environment === undefined ? undefined : parseText(environment, 'env', ENVIRONMENT_MAX),
    labels: labels === undefined ? undefined : parseLabels(labels),
    expiresAt: expiresAt === undefined ? undefined : parseExpiry(expiresAt, 'identity_expires', now),
    deputy: deputy === undefined ? undefined : parseOwner(deputy, 'deputy'),
    reviewBy: reviewBy === undefined ? undefined : parseExpiry(reviewBy, 'review_by', now),
  };
}

export function newIdentity(spiffeId: string, said: SaidOfIdentity, actor: Actor, now: number): IdentityRecord {
  const kind = said.kind ?? 'service';
  if (kind === 'agent' && said.purpose === undefined) {
    throw new Failure('invalid-argument', 'PURPOSE_REQUIRED', 'an identity of kind agent needs a purpose', {
      field: 'purpose',
      hint: 'say with --purpose what the agent is for',
    });
  }
  const latest = lifeFrom(kind, now);
  // guard: C1 test/registry/identity-life.test.ts
  if (said.expiresAt !== undefined && said.expiresAt > latest)
    throw tooFar(kind, said.expiresAt, latest, 'identity_expires');
  return {
    spiffeId,
    owner: said.owner ?? actorName(actor),
    deputy: said.deputy ?? null,
    purpose: said.purpose ?? null,
    kind,
    environment: said.environment ?? null,
    labels: said.labels ?? new Map(),
    state: 'active',
    stateReason: null,
    stateSince: now,
    expiresAt: said.expiresAt ?? latest,
    reviewBy: said.reviewBy ?? null,
    createdAt: now,
    createdBy: actorName(actor),
    revision: 1,
  };
}

/** Free text, or a `human:` or `team:` that is written so: what only looks like one would be held against nobody. */
export function parseOwner(value: string, field: string): string {
  const owner = parseText(value, field, FREE_TEXT_MAX);
  const folded = owner.normalize('NFKC').toLowerCase().replace(/\s+/g, '');
  // guard: C4 test/registry/people.test.ts
  if (!/^(human|team):/.test(folded) || /^(human|team):/.test(owner)) return owner;
  throw new Failure(
    'invalid-argument',
    'OWNER_INVALID',
    `${field} ${quote(owner)} is refused: it only looks like a name`,
    {
      field,
      value: quote(owner),
      hint: 'write human:NAME or team:NAME, in small letters and without spaces',
    },
  );
}

/** The end of an identity that begins, or is renewed, now. */
export function lifeFrom(kind: IdentityKind, now: number): number {
  return now + (kind === 'agent' ? AGENT_LIFE_DAYS : LIFE_DAYS) * DAY_MS;
}

/** Design section 5: what differs from a registered identity is refused, naming both. */
export function refuseDifferences(said: SaidOfIdentity, is: IdentityRecord): void {
  const pairs: readonly (readonly [field: string, said: string | undefined, is: string | null])[] = [
    ['owner', said.owner, is.owner],
    ['purpose', said.purpose, is.purpose],
    ['kind', said.kind, is.kind],
    ['env', said.environment, is.environment],
    ['identity_expires', isoTime(said.expiresAt), isoTime(is.expiresAt) ?? null],
    ['label', labelsText(said.labels), labelsText(is.labels) ?? null],
    ['deputy', said.deputy, is.deputy],
    ['review_by', isoTime(said.reviewBy), isoTime(is.reviewBy ?? undefined) ?? null],
  ];
  for (const [field, wanted, registered] of pairs) {
    if (wanted === undefined || wanted === registered) continue;
    throw new Failure(
      'failed-precondition',
      'IDENTITY_DIFFERS',
      `${field} ${quote(wanted)} is refused: identity ${quote(is.spiffeId)} has ${registered === null ? 'none' : quote(registered)}`,
      { field, value: wanted, hint: `leave ${field} out, or look with: assay identity show ${is.spiffeId}` },
    );
  }
}

function parseKind(kind: unknown): IdentityKind {
  if (KINDS.has(kind)) return kind as IdentityKind;
  throw new Failure('invalid-argument', 'KIND_INVALID', `kind ${quote(kind)} is refused: there is no such kind`, {
    field: 'kind',
    value: quote(kind),
    hint: `use one of ${[...KINDS].join(', ')}`,
  });
}

export function parseLabels(labels: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  // guard: I9 test/registry/identity-fields.test.ts
  refuseTooManyLabels(labels.size);
  const parsed = new Map<string, string>();
  for (const [key, value] of labels) {
    const field = `label ${quote(key)}`;
    parsed.set(parseText(key, 'label', LABEL_KEY_MAX), parseText(value, field, FREE_TEXT_MAX));
  }
  return parsed;
}

function isoTime(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}

function labelsText(labels: ReadonlyMap<string, string> | undefined): string | undefined {
  return labels === undefined
    ? undefined
    : [...labels]
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join(', ');
}

function refuseTooManyLabels(count: number): void {
  if (count <= LABELS_MAX) return;
  throw new Failure(
    'resource-exhausted',
    'LIMIT_REACHED',
    `${count} labels are refused: at most ${LABELS_MAX} are allowed`,
    {
      field: 'label',
      value: String(count),
      hint: 'use fewer',
    },
  );
}
