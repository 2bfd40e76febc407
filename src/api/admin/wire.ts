// SPDX-License-Identifier: Apache-2.0
/**
 * The messages of `proto/assay/admin/v1/admin.proto` as TypeScript sees them with the options of `api/proto.ts`: 64-bit numbers
 * as decimal text, every member there, except optional ones that are not set and messages that are null.
 * A message to be sent may leave members out.
 */
export type { WireIdentity, WireLabel } from './wire-identity.ts';
export type { WireSvid } from './wire-svid.ts';

import type { ApprovalRpcs } from './wire-approval.ts';
import type { AuditRpcs } from './wire-audit.ts';
import type { AuthorityRpcs } from './wire-authority.ts';
import type { FederationRpcs } from './wire-federation.ts';
import type { FindingRpcs } from './wire-finding.ts';
import type { GrantRpcs } from './wire-grant.ts';
import type { IdentityRpcs, WireIdentity, WireLabel } from './wire-identity.ts';
import type { PeopleRpcs } from './wire-people.ts';
import type { PolicyRpcs } from './wire-policy.ts';
import type { SvidRpcs } from './wire-svid.ts';
import type { TargetRpcs } from './wire-target.ts';
import type { TaskRpcs } from './wire-task.ts';
import type { Int64, Int64Input, Paged } from './wire-values.ts';

export interface WireEntry {
  readonly id: string;
  readonly spiffe_id: string;
  readonly parent_id: string;
  readonly selectors: readonly string[];
  readonly x509_ttl_seconds?: Int64;
  readonly jwt_ttl_seconds?: Int64;
  readonly dns_names: readonly string[];
  readonly federates_with: readonly string[];
  readonly hint: string;
  readonly expires_at?: Int64;
  readonly claimed_accepted: boolean;
  readonly jwt_jti: boolean;
  readonly created_at: Int64;
  readonly created_by: string;
  readonly revision: Int64;
  readonly effective_x509_ttl_seconds: Int64;
  readonly effective_x509_ttl_from: string;
  readonly strength: string;
  readonly effective_jwt_ttl_seconds?: Int64;
  readonly effective_jwt_ttl_from: string;
}

export interface WireBundle {
  readonly trust_domain: string;
  readonly x509_certificates: readonly Buffer[];
  readonly sequence: Int64;
  readonly refresh_hint_seconds: Int64;
  readonly updated_at: Int64;
  readonly updated_by: string;
  readonly spiffe_document: string;
}

export interface WireCheck {
  readonly name: string;
  readonly status: string;
  readonly text: string;
  readonly hint: string;
}

export interface WireEntryFilter {
  readonly spiffe_id: string;
  readonly parent_id: string;
  readonly selectors: readonly string[];
  readonly federates_with: string;
  readonly hint: string;
}

export interface WireFoundSelector {
  readonly selector: string;
  readonly strength: string;
}

export interface WireRefusal {
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
}

export interface WireProcessExplained {
  readonly pid: Int64;
  readonly uid: Int64;
  readonly gid: Int64;
  readonly refusal?: WireRefusal;
  readonly attestors: readonly {
    readonly name: string;
    readonly outcome: string;
    readonly reason: string;
    readonly took_ms: number;
    readonly selectors: readonly WireFoundSelector[];
    readonly left_out: readonly { readonly kind: string; readonly reason: string }[];
  }[];
  readonly matches: readonly {
    readonly entry_id: string;
    readonly spiffe_id: string;
    readonly hint: string;
    readonly refusal?: WireRefusal;
  }[];
  readonly nearest: readonly {
    readonly entry_id: string;
    readonly spiffe_id: string;
    readonly lacks: readonly { readonly selector: string; readonly found: readonly string[]; readonly why: string }[];
  }[];
}

export interface WireIdentityExplained {
  readonly identity: WireIdentity;
  readonly entries: readonly {
    readonly entry_id: string;
    readonly selectors: readonly WireFoundSelector[];
    readonly refusal?: WireRefusal;
    readonly unknown_kinds: readonly string[];
    readonly holders: readonly { readonly pid: Int64; readonly uid: Int64 }[];
  }[];
}

/** Every RPC: what is asked and what is answered. */
export interface Rpcs
  extends ApprovalRpcs,
    AuditRpcs,
    AuthorityRpcs,
    FederationRpcs,
    FindingRpcs,
    IdentityRpcs,
    PeopleRpcs,
    PolicyRpcs,
    SvidRpcs,
    TargetRpcs,
    GrantRpcs,
    TaskRpcs {
  CreateEntry: [
    {
      readonly entry: WireEntry | null;
      readonly kind: string;
      readonly owner: string;
      readonly deputy: string;
      readonly review_by?: Int64;
      readonly purpose: string;
      readonly environment: string;
      readonly identity_expires_at?: Int64;
      readonly labels: readonly WireLabel[];
      readonly accept_claimed_selectors: boolean;
    },
    { readonly entry: WireEntry; readonly identity: WireIdentity; readonly warnings: readonly string[] },
  ];
  GetEntry: [{ readonly id: string }, { readonly entry: WireEntry; readonly identity: WireIdentity | null }];
  ListEntries: [
    { readonly filter: WireEntryFilter | null } & Paged,
    { readonly entries: readonly WireEntry[]; readonly next_page_token: string },
  ];
  CountEntries: [{ readonly filter: WireEntryFilter | null }, { readonly count: Int64 }];
  UpdateEntry: [
    {
      readonly id: string;
      readonly entry: WireEntry | null;
      readonly fields: readonly string[];
      readonly accept_claimed_selectors: boolean;
    },
    { readonly entry: WireEntry; readonly warnings: readonly string[] },
  ];
  DeleteEntry: [{ readonly id: string }, { readonly entry: WireEntry }];
  GetOwnBundle: [object, { readonly bundle: WireBundle }];
  GetBundle: [{ readonly trust_domain: string }, { readonly bundle: WireBundle }];
  ListBundles: [Paged, { readonly bundles: readonly WireBundle[]; readonly next_page_token: string }];
  SetBundle: [
    { readonly trust_domain: string; readonly format: string; readonly document: Buffer },
    { readonly bundle: WireBundle },
  ];
  DeleteBundle: [{ readonly trust_domain: string; readonly mode: string }, object];
  GetBundleMap: [object, { readonly document: string }];
  SetBundleMap: [
    { readonly document: Buffer; readonly mode: string },
    { readonly set: readonly WireBundle[]; readonly unchanged: readonly string[]; readonly deleted: readonly string[] },
  ];
  ExplainProcess: [{ readonly pid: Int64 }, WireProcessExplained];
  ExplainIdentity: [{ readonly spiffe_id: string }, WireIdentityExplained];
  GetHealth: [
    object,
    {
      readonly status: string;
      readonly checks: readonly WireCheck[];
      readonly trust_domain: string;
      readonly node_id: string;
      readonly version: string;
      readonly started_at: Int64;
      readonly now: Int64;
    },
  ];
  GetDoctor: [object, { readonly checks: readonly WireCheck[] }];
  GetFederationDoctor: [
    object,
    {
      readonly issuer: string;
      readonly unserved: string;
      readonly key_set: string;
      readonly signing_key_id: string;
      readonly token_ttl_ms: Int64;
      readonly refresh_hint_seconds: Int64;
      readonly relationships: readonly WireCheck[];
    },
  ];
  AcceptClock: [object, { readonly was: Int64; readonly now: Int64 }];
  WhoAmI: [
    object,
    {
      readonly uid: Int64;
      readonly pid: Int64;
      readonly may_read: boolean;
      readonly may_write: string;
      readonly roles: readonly { readonly role: string; readonly spiffe_id_prefix: string }[];
      readonly refusal: string;
      readonly daemon_uid: Int64;
      readonly daemon_pid: Int64;
      readonly trust_domain: string;
      readonly version: string;
    },
  ];
}

export type RpcName = keyof Rpcs;
export type Request<R extends RpcName> = Rpcs[R][0];
export type Response<R extends RpcName> = Rpcs[R][1];

/** A message on its way out: members may be missing, numbers may be numbers, buffers bytes. */
export type Outgoing<T> = T extends Buffer
  ? T
  : T extends Int64
    ? Int64Input
    : T extends readonly (infer Item)[]
      ? readonly Outgoing<Item>[]
      : T extends object
        ? { readonly [K in keyof T]?: Outgoing<T[K]> | undefined }
        : T;
