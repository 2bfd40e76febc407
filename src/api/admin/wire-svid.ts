// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, what was issued. */
import type { Int64, Paged } from './wire-values.ts';

export interface WireSvid {
  readonly seq: Int64;
  readonly serial: string;
  readonly kind: string;
  readonly spiffe_id: string;
  readonly entry_id: string;
  readonly authority_id: string;
  readonly issued_at: Int64;
  readonly not_before: Int64;
  readonly not_after: Int64;
  readonly asked_ttl_ms: Int64;
  readonly pid: Int64;
  readonly uid: Int64;
  readonly gid: Int64;
  readonly start_time: string;
  readonly audiences: readonly string[];
  readonly marks: readonly string[];
  readonly delivered: boolean;
  readonly undelivered_reason: string;
  readonly revoked_at?: Int64;
  readonly revoke_reason: string;
}

export interface WireRevoked {
  readonly serial: string;
  readonly kind: string;
  readonly spiffe_id: string;
  readonly entry_id: string;
  readonly not_after: Int64;
}

export interface SvidRpcs {
  GetSvid: [{ readonly serial: string }, { readonly svid: WireSvid }];
  ListSvids: [
    {
      readonly active: boolean;
      readonly revoked: boolean;
      readonly spiffe_id: string;
      readonly entry_id: string;
    } & Paged,
    { readonly svids: readonly WireSvid[]; readonly next_page_token: string },
  ];
  RevokeSvids: [
    {
      readonly serial: string;
      readonly entry_id: string;
      readonly spiffe_id: string;
      readonly authority_id: string;
      readonly reason: string;
    },
    { readonly count: Int64; readonly revoked: readonly WireRevoked[] },
  ];
}
