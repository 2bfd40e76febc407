// SPDX-License-Identifier: Apache-2.0
/** Why a relationship cannot be made, shown or ended. */
import { Failure, quote } from '../lib/failure.ts';

export function isOwn(trustDomain: string): Failure {
  return new Failure(
    'invalid-argument',
    'FEDERATION_IS_OWN',
    `trust_domain ${quote(trustDomain)} is refused: it is our own`,
    {
      field: 'trust_domain',
      value: quote(trustDomain),
      hint: 'name the trust domain of the other side',
    },
  );
}

export function isThere(trustDomain: string): Failure {
  return new Failure(
    'already-exists',
    'FEDERATION_EXISTS',
    `there is a relationship with ${quote(trustDomain)} already`,
    {
      field: 'trust_domain',
      value: quote(trustDomain),
      hint: `look at it: assay federation show ${trustDomain}`,
    },
  );
}

export function notThere(trustDomain: string): Failure {
  return new Failure('not-found', 'FEDERATION_NOT_FOUND', `there is no relationship with ${quote(trustDomain)}`, {
    field: 'trust_domain',
    value: quote(trustDomain),
    hint: 'list them with: assay federation list',
  });
}

export function isConfigured(trustDomain: string): Failure {
  return new Failure(
    'failed-precondition',
    'FEDERATION_CONFIGURED',
    `the relationship with ${quote(trustDomain)} is one of the configuration`,
    {
      field: 'trust_domain',
      value: quote(trustDomain),
      hint: 'take it out of federation.relationships and restart the daemon',
    },
  );
}

export function tooMany(most: number): Failure {
  return new Failure(
    'resource-exhausted',
    'LIMIT_REACHED',
    `there are ${most} relationships, as many as limits.foreign_bundles allows`,
    { field: 'trust_domain', hint: 'raise limits.foreign_bundles, or delete relationships' },
  );
}
