// SPDX-License-Identifier: Apache-2.0
/** What is said when a step in the life of an identity is refused. */
import { Failure, quote } from '../lib/failure.ts';
import type { IdentityKind, IdentityRecord } from '../store/records.ts';

export function unreviewed(identity: IdentityRecord): Failure {
  const at = new Date(identity.reviewBy ?? 0).toISOString();
  return new Failure(
    'failed-precondition',
    'REVIEW_MISSED',
    `identity ${identity.spiffeId} was to be reviewed by ${at}`,
    {
      field: 'review_by',
      value: at,
      hint: 'say by when it is reviewed next: assay identity update ID --review-by, and repeat this',
    },
  );
}

export function isDraft(identity: IdentityRecord): Failure {
  return new Failure('failed-precondition', 'IDENTITY_DRAFT', `identity ${identity.spiffeId} is a draft`, {
    field: 'spiffe_id',
    value: identity.spiffeId,
    hint: 'let it begin: assay identity activate',
  });
}

export function noDraft(identity: IdentityRecord): Failure {
  return new Failure(
    'failed-precondition',
    'IDENTITY_NOT_DRAFT',
    `identity ${identity.spiffeId} is ${identity.state}, no draft`,
    {
      field: 'spiffe_id',
      value: identity.spiffeId,
      hint: 'one that is suspended is resumed: assay identity resume',
    },
  );
}

export function tooFar(kind: IdentityKind, until: number, latest: number, field: string): Failure {
  const at = new Date(until).toISOString();
  return new Failure(
    'invalid-argument',
    'EXPIRY_INVALID',
    `${field} ${at} is refused: it is after ${new Date(latest).toISOString()}`,
    {
      field,
      value: at,
      hint: `an identity of kind ${kind} is there for so long at most, and can be renewed`,
    },
  );
}

export function pastGrace(identity: IdentityRecord): Failure {
  const at = new Date(identity.expiresAt).toISOString();
  return new Failure(
    'failed-precondition',
    'IDENTITY_EXPIRED',
    `identity ${identity.spiffeId} expired at ${at}, too long ago to be renewed: it is about to retire`,
    {
      field: 'expires',
      value: at,
      hint: 'register another SPIFFE ID',
    },
  );
}

export function reasonReserved(reason: string): Failure {
  return new Failure(
    'invalid-argument',
    'REASON_RESERVED',
    `reason ${quote(reason)} is refused: it is the daemon's own`,
    {
      field: 'reason',
      value: quote(reason),
      hint: 'say more: whoever renews it goes by this',
    },
  );
}

export function expired(identity: IdentityRecord): Failure {
  const at = new Date(identity.expiresAt).toISOString();
  return new Failure('failed-precondition', 'IDENTITY_EXPIRED', `identity ${identity.spiffeId} expired at ${at}`, {
    field: 'expires',
    value: at,
    hint: 'say with --expires until when it is renewed',
  });
}

export function ownerGone(spiffeId: string, owner: string): Failure {
  return new Failure(
    'failed-precondition',
    'OWNER_GONE',
    `nobody answers for ${spiffeId}: ${owner} has left, and no deputy is there`,
    {
      field: 'owner',
      value: owner,
      hint: `name somebody: assay identity renew ${spiffeId} --owner`,
    },
  );
}
