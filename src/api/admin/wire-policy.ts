// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, policies and what they decide. */
import type { Int64, Paged } from './wire-values.ts';

export interface WirePolicyFile {
  readonly name: string;
  readonly text: string;
}

export interface WirePolicySet {
  readonly hash: string;
  readonly schema_hash: string;
  readonly mode: string;
  readonly loaded_at: Int64;
  readonly loaded_by: string;
  readonly left_at?: Int64;
}

export interface WirePolicyTally {
  readonly compared: Int64;
  readonly differed: Int64;
  readonly differences: readonly {
    readonly at: Int64;
    readonly principal: string;
    readonly action: string;
    readonly target: string;
    readonly intents: readonly string[];
    readonly live: string;
    readonly shadow: string;
  }[];
}

export interface WirePolicyReason {
  readonly policy_id: string;
  readonly reason: string;
}

export interface WireDecision {
  readonly outcome: string;
  readonly need_count: number;
  readonly need_strength: string;
  readonly need_other_uid: boolean;
  readonly reasons: readonly WirePolicyReason[];
  readonly alone: readonly WirePolicyReason[];
  readonly assumed: readonly string[];
  readonly policy_hash: string;
}

interface One {
  readonly set: WirePolicySet;
}

interface Files {
  readonly files: readonly WirePolicyFile[];
}

export interface PolicyRpcs {
  ListPolicies: [
    Paged,
    { readonly sets: readonly WirePolicySet[]; readonly next_page_token: string; readonly tally: WirePolicyTally },
  ];
  GetPolicy: [{ readonly hash: string }, One & Files & { readonly text: string }];
  ApplyPolicy: [Files, One];
  RollbackPolicy: [{ readonly hash: string }, One];
  ShadowPolicy: [Files & { readonly end: boolean }, { readonly set: WirePolicySet | null }];
  ExplainDecision: [{ readonly request: string }, WireDecision];
}
