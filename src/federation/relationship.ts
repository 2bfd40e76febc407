// SPDX-License-Identifier: Apache-2.0
/**
 * A relationship with another trust domain: where its bundle is fetched, and how that endpoint proves itself (SPIFFE Federation
 * section 5 and 6). A value that exists is valid. Address, profile and trust domain are each said, none is taken from the
 * others, and no profile stands in for the other (FED-13).
 */
import { SpiffeId } from '../identity/spiffe-id.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import { Failure, quote } from '../lib/failure.ts';
import { HttpsUrl } from '../lib/https-url.ts';

export const PROFILES = ['https_web', 'https_spiffe'] as const;
export type Profile = (typeof PROFILES)[number];

export interface Relationship {
  readonly trustDomain: TrustDomain;
  readonly url: HttpsUrl;
  readonly endpoint: Endpoint;
}

/** By the web's authorities and its host name, or by its SPIFFE ID. */
export type Endpoint =
  | { readonly profile: 'https_web' }
  | { readonly profile: 'https_spiffe'; readonly spiffeId: SpiffeId };

/** As somebody wrote it; absent and empty are the same. */
export interface RelationshipText {
  readonly trustDomain: string | undefined;
  readonly url: string | undefined;
  readonly profile: string | undefined;
  readonly endpointSpiffeId: string | undefined;
}

/** How whoever wrote it calls the parts, for errors. */
export type RelationshipFields = Readonly<Record<keyof RelationshipText, string>>;

export const WIRE_FIELDS: RelationshipFields = {
  trustDomain: 'trust_domain',
  url: 'url',
  profile: 'profile',
  endpointSpiffeId: 'endpoint_spiffe_id',
};

export function parseRelationship(text: RelationshipText, fields: RelationshipFields = WIRE_FIELDS): Relationship {
  // What Go clients cannot read as a host must not get into their bundles (CLI-09).
  const trustDomain = TrustDomain.parseOwn(required(text.trustDomain, fields.trustDomain), fields.trustDomain);
  const url = HttpsUrl.parse(required(text.url, fields.url), fields.url);
  return { trustDomain, url, endpoint: parseEndpoint(text, fields) };
}

function parseEndpoint(text: RelationshipText, fields: RelationshipFields): Endpoint {
  const profile = required(text.profile, fields.profile);
  const { endpointSpiffeId: id } = text;
  switch (profile) {
    case 'https_web':
      // guard: FED-14 test/federation/relationship.test.ts — believing the ID to be checked would be worse than a refusal
      if (given(id))
        throw invalid(fields.endpointSpiffeId, id, 'means nothing with the profile https_web', 'leave it out');
      return { profile };
    case 'https_spiffe':
      return {
        profile,
        spiffeId: SpiffeId.parseWorkload(required(id, fields.endpointSpiffeId), fields.endpointSpiffeId),
      };
    default:
      throw invalid(fields.profile, profile, 'is no profile', `use one of: ${PROFILES.join(', ')}`);
  }
}

/** True when the endpoint proves itself by the very bundle that is fetched from it. */
export function isSelfServing({ trustDomain, endpoint }: Relationship): boolean {
  return endpoint.profile === 'https_spiffe' && endpoint.spiffeId.memberOf(trustDomain);
}

function required(text: string | undefined, field: string): string {
  // guard: FED-13 test/federation/relationship.test.ts
  if (!given(text)) throw invalid(field, undefined, 'is missing', 'a relationship has trust domain, url and profile');
  return text;
}

function given(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function invalid(field: string, value: string | undefined, why: string, hint: string): Failure {
  const message = value === undefined ? `${field} ${why}` : `${field} ${quote(value)} ${why}`;
  return new Failure('invalid-argument', 'FEDERATION_INVALID', message, {
    field,
    ...(value === undefined ? {} : { value: quote(value) }),
    hint,
  });
}
