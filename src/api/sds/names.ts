// SPDX-License-Identifier: Apache-2.0
/** Resource names: what a request may name, and what has to be made for it (SDS-01). Pure. */
import type { WantedIdentities } from '../../issuance/workload-identities.ts';
import { Failure, quote } from '../../lib/failure.ts';

/** Names with a meaning of their own; SPIRE agent's settings of the same names. */
export interface SdsNames {
  readonly svid: string;
  readonly bundle: string;
  readonly allBundles: string;
}

/** Of one request (I9): as many as `grants_per_caller` may be by default, and room for bundles. */
const MOST_NAMES = 256;
/** A SPIFFE ID has at most so many bytes (SPIFFE-ID section 2.3). */
const LONGEST_NAME = 2_048;
/** Names that a refusal lists, so that it stays below what clients take as trailers. */
const LISTED = 16;

/** Sorted, each once. Throws Failure `REQUEST_INVALID`. */
export function readNames(names: readonly string[]): readonly string[] {
  // guard: I9 test/api/sds/requests.test.ts
  if (names.length > MOST_NAMES) throw refused(`there are more than ${MOST_NAMES}`);
  // guard: I9 test/api/sds/requests.test.ts
  if (names.some((name) => Buffer.byteLength(name) > LONGEST_NAME))
    throw refused(`one is longer than ${LONGEST_NAME} bytes`);
  return [...new Set(names)].sort();
}

/** Undefined: all of the caller's identities; `none`: bundles alone are asked for, and nothing is to be issued. */
export function wantedBy(names: readonly string[], special: SdsNames): WantedIdentities | 'none' | undefined {
  if (names.length === 0) return undefined;
  const spiffeIds = names.filter((name) => !isSpecial(name, special) && !isTrustDomain(name));
  const first = names.includes(special.svid);
  return first || spiffeIds.length > 0 ? { first, spiffeIds: new Set(spiffeIds) } : 'none';
}

/** SDS-03: the same whether there is no such identity or it is somebody else's. `names` are sorted. */
export function notYours(names: readonly string[]): Failure {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  const listed = names.slice(0, LISTED).map((name) => quote(name));
  return new Failure(
    'invalid-argument',
    'SECRET_UNKNOWN',
    `resource_names: the caller has no ${listed.join(', ')}${more}`,
    {
      field: 'resource_names',
      hint: 'ask for a SPIFFE ID, a trust domain that this caller is given, or the names set below sds',
    },
  );
}

function isSpecial(name: string, { svid, bundle, allBundles }: SdsNames): boolean {
  return name === svid || name === bundle || name === allBundles;
}

/** `spiffe://td`, without a path. */
function isTrustDomain(name: string): boolean {
  return /^spiffe:\/\/[^/]*$/.test(name);
}

function refused(why: string): Failure {
  return new Failure('invalid-argument', 'REQUEST_INVALID', `resource_names: ${why}`, {
    field: 'resource_names',
    hint: 'open a stream for each name, as Envoy does',
  });
}
