// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, what relationships with other trust domains need. */
import type { Int64, Paged } from './wire-values.ts';

export interface WireFederation {
  readonly trust_domain: string;
  readonly url: string;
  readonly profile: string;
  readonly endpoint_spiffe_id: string;
  readonly origin: string;
  readonly created_at: Int64;
  readonly created_by: string;
  readonly last_attempt_at?: Int64;
  readonly last_success_at?: Int64;
  readonly next_poll_at?: Int64;
  readonly last_result: string;
  readonly last_reason: string;
  readonly failures: Int64;
  readonly bundle_sequence?: string;
  readonly bundle_updated_at?: Int64;
}

export interface FederationRpcs {
  CreateFederation: [
    {
      readonly trust_domain: string;
      readonly url: string;
      readonly profile: string;
      readonly endpoint_spiffe_id: string;
      readonly bundle_format: string;
      readonly bundle_document: Buffer;
    },
    { readonly federation: WireFederation },
  ];
  GetFederation: [{ readonly trust_domain: string }, { readonly federation: WireFederation }];
  ListFederations: [Paged, { readonly federations: readonly WireFederation[]; readonly next_page_token: string }];
  RefreshFederation: [{ readonly trust_domain: string }, { readonly federation: WireFederation }];
  DeleteFederation: [{ readonly trust_domain: string }, { readonly federation: WireFederation }];
}
