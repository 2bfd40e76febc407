// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, targets. */
import type { Int64, Paged } from './wire-values.ts';

export interface WireTarget {
  readonly name: string;
  readonly owner: string;
  readonly environment: string;
  readonly impact: string;
  readonly intents: readonly string[];
  readonly irrevocable: readonly string[];
  readonly audiences: readonly string[];
  readonly third_party: boolean;
  readonly review_by?: Int64;
  readonly expires_at?: Int64;
  readonly orphaned: boolean;
  readonly created_at: Int64;
  readonly created_by: string;
  readonly retired_at?: Int64;
  readonly retired_by: string;
  readonly retire_reason: string;
  readonly revision: Int64;
}

interface One {
  readonly target: WireTarget;
}

export interface TargetRpcs {
  ListTargets: [
    { readonly name: string } & Paged,
    { readonly targets: readonly WireTarget[]; readonly next_page_token: string },
  ];
  PutTarget: [{ readonly target: WireTarget | null }, One];
  RetireTarget: [{ readonly name: string; readonly reason: string }, One];
}
