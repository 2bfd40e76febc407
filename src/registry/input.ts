// SPDX-License-Identifier: Apache-2.0
/** What an operator may say about entries and identities. Absent means "as it is" or the default, null means "none". */
import type { IdentityKind } from '../store/records.ts';

export interface NewIdentity {
  readonly owner?: string | undefined;
  readonly purpose?: string | undefined;
  readonly kind?: IdentityKind | undefined;
  readonly environment?: string | undefined;
  readonly labels?: ReadonlyMap<string, string> | undefined;
  readonly expiresAt?: number | undefined;
  readonly deputy?: string | undefined;
  readonly reviewBy?: number | undefined;
}

/** An identity on its own, before its first entry. */
export interface NewLoneIdentity extends NewIdentity {
  readonly spiffeId: string;
  /** Nothing is issued for it until it is activated. */
  readonly draft?: boolean | undefined;
}

export interface IdentityPatch {
  readonly owner?: string | undefined;
  readonly deputy?: string | null | undefined;
  readonly purpose?: string | null | undefined;
  readonly environment?: string | null | undefined;
  readonly labels?: ReadonlyMap<string, string> | undefined;
  readonly reviewBy?: number | null | undefined;
}

export interface NewEntry {
  readonly spiffeId: string;
  readonly selectors: readonly string[];
  readonly entryId?: string | undefined;
  readonly parentId?: string | undefined;
  readonly x509TtlSeconds?: number | undefined;
  readonly jwtTtlSeconds?: number | undefined;
  /** Each of its JWT-SVIDs names itself, and is given once. */
  readonly jwtJti?: boolean | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  readonly federatesWith?: readonly string[] | undefined;
  readonly hint?: string | undefined;
  readonly expiresAt?: number | undefined;
  /** Attack A1: an entry of claimed selectors alone is refused without it. */
  readonly acceptClaimedSelectors?: boolean | undefined;
  /** Used when the SPIFFE ID is new; what is said must otherwise agree with what is registered. */
  readonly identity?: NewIdentity | undefined;
}

export interface EntryPatch {
  readonly selectors?: readonly string[] | undefined;
  readonly x509TtlSeconds?: number | null | undefined;
  readonly jwtTtlSeconds?: number | null | undefined;
  readonly jwtJti?: boolean | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  readonly federatesWith?: readonly string[] | undefined;
  readonly hint?: string | undefined;
  readonly expiresAt?: number | null | undefined;
  readonly acceptClaimedSelectors?: boolean | undefined;
}
