// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, grants. */
import type { WireTask } from './wire-task.ts';
import type { Int64, Paged } from './wire-values.ts';

export interface WireGrant {
  /** Also that of its approval. */
  readonly id: string;
  readonly identity: string;
  readonly intents: readonly string[];
  readonly purpose: string;
  readonly window_from: Int64;
  readonly window_to: Int64;
  readonly max_task_ttl_ms: Int64;
  readonly max_tasks: number;
  readonly used: number;
  readonly requested_by: string;
  readonly digest: string;
  readonly state: string;
  readonly state_since: Int64;
  readonly state_reason: string;
  readonly created_at: Int64;
  readonly break_glass: boolean;
}

export interface GrantRpcs {
  RequestGrant: [
    {
      readonly identity: string;
      readonly intents: readonly string[];
      readonly purpose: string;
      readonly from: Int64;
      readonly for_ms: Int64;
      readonly max_task_ttl_ms: Int64;
      readonly max_tasks: number;
      readonly break_glass: boolean;
    },
    { readonly grant: WireGrant },
  ];
  GetGrant: [{ readonly id: string }, { readonly grant: WireGrant }];
  ListGrants: [
    { readonly state: string; readonly identity: string } & Paged,
    { readonly grants: readonly WireGrant[]; readonly next_page_token: string },
  ];
  RevokeGrant: [
    { readonly id: string; readonly reason: string },
    { readonly grant: WireGrant; readonly tasks: readonly WireTask[] },
  ];
}
