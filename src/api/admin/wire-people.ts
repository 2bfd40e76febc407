// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, people. */
import type { WireIdentity } from './wire-identity.ts';
import type { Int64, Paged } from './wire-values.ts';

export interface WireHumanKey {
  readonly fingerprint: string;
  readonly type: string;
  readonly blob: string;
  readonly added_at: Int64;
  readonly added_by: string;
  readonly highest: number;
  readonly vouched_at: Int64;
  readonly vouch_statement: string;
  readonly vouch_signature: string;
}

export interface WireHuman {
  readonly name: string;
  readonly email: string;
  readonly uids: readonly Int64[];
  readonly teams: readonly string[];
  readonly keys: readonly WireHumanKey[];
  readonly active: boolean;
  readonly left_reason: string;
  readonly created_at: Int64;
  readonly created_by: string;
  readonly revision: Int64;
}

interface One {
  readonly human: WireHuman;
}

export interface WireHumanChange extends One {
  readonly suspended: readonly WireIdentity[];
  readonly suspended_count: Int64;
}

export interface PeopleRpcs {
  ListHumans: [
    { readonly name: string } & Paged,
    { readonly humans: readonly WireHuman[]; readonly next_page_token: string },
  ];
  AddHuman: [
    {
      readonly name: string;
      readonly email: string;
      readonly uids: readonly Int64[];
      readonly teams: readonly string[];
    },
    One,
  ];
  UpdateHuman: [
    {
      readonly name: string;
      readonly fields: readonly string[];
      readonly email: string;
      readonly uids: readonly Int64[];
      readonly teams: readonly string[];
    },
    WireHumanChange,
  ];
  DeactivateHuman: [{ readonly name: string; readonly reason: string }, WireHumanChange];
  AddHumanKey: [{ readonly name: string; readonly key: string }, One];
  AskKeyStatement: [
    {
      readonly name: string;
      readonly fingerprint: string;
      readonly highest: number;
      readonly because: string;
      readonly by: string;
    },
    { readonly statement: string },
  ];
  VouchHumanKey: [
    {
      readonly name: string;
      readonly fingerprint: string;
      readonly highest: number;
      readonly statement: string;
      readonly signature: string;
    },
    One,
  ];
  RemoveHumanKey: [{ readonly name: string; readonly fingerprint: string }, One];
}
