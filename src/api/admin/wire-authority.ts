// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, what the authorities need. */
import type { Int64 } from './wire-values.ts';

export type AuthorityKind = 'x509' | 'jwt' | 'jwt-rsa' | 'wit';

export interface WireAuthority {
  readonly id: string;
  readonly kind: string;
  readonly slot: string;
  readonly key_type: string;
  readonly not_before: Int64;
  readonly not_after: Int64;
  readonly prepared_at: Int64;
  readonly activated_at?: Int64;
  readonly old_at?: Int64;
  readonly tainted_at?: Int64;
  readonly last_svid_not_after: Int64;
  readonly certificate: Buffer;
  readonly public_key: Buffer;
  readonly key_held: boolean;
}

export interface AuthorityRpcs {
  GetAuthorities: [
    { readonly kind: AuthorityKind },
    {
      readonly authorities: readonly WireAuthority[];
      readonly planned: readonly { readonly what: string; readonly authority_id: string; readonly at: Int64 }[];
      readonly bundle_sequence: Int64;
      readonly refresh_hint_seconds: Int64;
      readonly ca_ttl_ms: Int64;
    },
  ];
  PrepareAuthority: [{ readonly kind: AuthorityKind }, { readonly authority: WireAuthority }];
  ActivateAuthority: [{ readonly now: boolean; readonly kind: AuthorityKind }, { readonly authority: WireAuthority }];
  TaintAuthority: [
    { readonly authority_id: string; readonly kind: AuthorityKind },
    { readonly authority: WireAuthority },
  ];
  RevokeAuthority: [
    { readonly authority_id: string; readonly force: boolean; readonly kind: AuthorityKind },
    { readonly authority: WireAuthority; readonly bundle_sequence: Int64 },
  ];
}
