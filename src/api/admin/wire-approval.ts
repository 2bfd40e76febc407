// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, what people are asked and what they signed. */
import type { Int64, Paged } from './wire-values.ts';

export interface WireVote {
  readonly human: string;
  readonly decision: string;
  readonly strength: number;
  readonly proof: string;
  readonly fingerprint: string;
  readonly statement: string;
  /** Armored. */
  readonly signature: string;
  readonly at: Int64;
  /** Why it does not count; empty where it does. */
  readonly void: string;
}

export interface WireApproval {
  readonly id: string;
  readonly kind: string;
  readonly identity: string;
  /** Canonical JSON. */
  readonly request: string;
  readonly digest: string;
  readonly state: string;
  readonly state_since: Int64;
  readonly state_reason: string;
  readonly created_at: Int64;
  readonly not_after: Int64;
  readonly missing: number;
  readonly votes: readonly WireVote[];
}

export interface ApprovalRpcs {
  GetApproval: [{ readonly id: string }, { readonly approval: WireApproval }];
  ListApprovals: [
    { readonly state: string; readonly identity: string } & Paged,
    { readonly approvals: readonly WireApproval[]; readonly next_page_token: string },
  ];
  SubmitVote: [
    { readonly id: string; readonly statement: string; readonly signature: string },
    { readonly approval: WireApproval },
  ];
}
