// SPDX-License-Identifier: Apache-2.0
/** Why a bundle could not be fetched, in words for an operator; what OpenSSL or the system said is the cause. */
import { Failure, quote } from '../lib/failure.ts';
import type { HttpsUrl } from '../lib/https-url.ts';

export function unreachable(url: HttpsUrl, cause: unknown): Failure {
  const code = (cause as { code?: unknown }).code;
  const why = typeof code === 'string' ? code : 'the connection failed';
  return new Failure('unavailable', 'FEDERATION_UNREACHABLE', `${url} cannot be reached: ${why}`, {
    field: 'url',
    value: quote(url),
    hint: 'check the address, the name server and what stands in between',
    cause,
  });
}

export function untrusted(url: HttpsUrl, why: string, hint: string, cause?: unknown): Failure {
  return new Failure('permission-denied', 'FEDERATION_ENDPOINT_UNTRUSTED', `${url} does not prove itself: ${why}`, {
    field: 'url',
    value: quote(url),
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}

export function late(url: HttpsUrl, what: string, ms: number): Failure {
  return new Failure('unavailable', 'FEDERATION_TIMEOUT', `${url}: ${what} took longer than ${ms / 1_000} s`, {
    field: 'url',
    value: quote(url),
    hint: 'ask whoever runs the endpoint',
  });
}

export function unusable(url: HttpsUrl, why: string, cause?: unknown): Failure {
  return new Failure('unavailable', 'FEDERATION_ANSWER_INVALID', `what ${url} answers is no bundle: ${why}`, {
    field: 'url',
    value: quote(url),
    hint: 'is it the address of the bundle? Ask whoever runs the endpoint',
    ...(cause === undefined ? {} : { cause }),
  });
}

export function noRedirect(url: HttpsUrl, why: string, cause?: unknown): Failure {
  return new Failure(
    'permission-denied',
    'FEDERATION_REDIRECT_REFUSED',
    `${url} leads elsewhere, and that is refused: ${why}`,
    {
      field: 'url',
      value: quote(url),
      hint: 'configure the address where the bundle is',
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

/** FED-18. */
export function noEndpointBundle(trustDomain: string, id: string): Failure {
  return new Failure(
    'failed-precondition',
    'FEDERATION_BUNDLE_MISSING',
    `there is no bundle of ${quote(trustDomain)} to verify the endpoint ${quote(id)} with`,
    { field: 'endpoint_spiffe_id', value: quote(id), hint: `assay bundle set ${trustDomain} --file bundle.json` },
  );
}
