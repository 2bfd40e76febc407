// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, identities. */
import type { WireEntry } from './wire.ts';
import type { Int64, Paged } from './wire-values.ts';

export interface WireLabel {
  readonly key: string;
  readonly value: string;
}

export interface WireIdentity {
  readonly spiffe_id: string;
  readonly owner: string;
  readonly purpose: string;
  readonly kind: string;
  readonly environment: string;
  readonly labels: readonly WireLabel[];
  readonly state: string;
  readonly state_reason: string;
  readonly state_since: Int64;
  readonly expires_at: Int64;
  readonly created_at: Int64;
  readonly created_by: string;
  readonly revision: Int64;
  readonly deputy: string;
  readonly review_by?: Int64;
}

export interface WireStepped {
  readonly identity: WireIdentity;
  readonly owner_who_left: string;
}

export interface IdentityRpcs {
  GetIdentity: [
    { readonly spiffe_id: string },
    { readonly identity: WireIdentity; readonly entries: readonly WireEntry[] },
  ];
  ListIdentities: [
    { readonly state: string; readonly owner: string; readonly expires_before?: Int64 } & Paged,
    { readonly identities: readonly WireIdentity[]; readonly next_page_token: string },
  ];
  SuspendIdentity: [{ readonly spiffe_id: string; readonly reason: string }, { readonly identity: WireIdentity }];
  ResumeIdentity: [{ readonly spiffe_id: string; readonly expires_at?: Int64 }, WireStepped];
  CreateIdentity: [
    {
      readonly spiffe_id: string;
      readonly owner: string;
      readonly deputy: string;
      readonly purpose: string;
      readonly kind: string;
      readonly environment: string;
      readonly labels: readonly WireLabel[];
      readonly expires_at?: Int64;
      readonly review_by?: Int64;
      readonly draft: boolean;
    },
    { readonly identity: WireIdentity },
  ];
  UpdateIdentity: [
    {
      readonly spiffe_id: string;
      readonly fields: readonly string[];
      readonly owner: string;
      readonly deputy: string;
      readonly purpose: string;
      readonly environment: string;
      readonly labels: readonly WireLabel[];
      readonly review_by?: Int64;
    },
    { readonly identity: WireIdentity },
  ];
  ActivateIdentity: [{ readonly spiffe_id: string }, WireStepped];
  RenewIdentity: [{ readonly spiffe_id: string; readonly expires_at?: Int64; readonly owner: string }, WireStepped];
  RetireIdentity: [{ readonly spiffe_id: string; readonly reason: string }, { readonly identity: WireIdentity }];
}
