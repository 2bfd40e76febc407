// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, tasks. */
import type { Int64, Paged } from './wire-values.ts';

export interface WireTask {
  readonly id: string;
  readonly identity: string;
  /** Empty for none. */
  readonly parent: string;
  /** Under which it began; empty for none. */
  readonly grant: string;
  readonly root: string;
  readonly depth: number;
  readonly purpose: string;
  readonly intents: readonly string[];
  readonly deadline: Int64;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** JSON. */
  readonly attested: string;
  readonly digest: string;
  readonly policy_hash: string;
  readonly state: string;
  readonly state_since: Int64;
  readonly end: string;
  readonly end_reason: string;
  readonly created_at: Int64;
}

export interface TaskRpcs {
  GetTask: [{ readonly id: string }, { readonly task: WireTask }];
  ListTasks: [
    { readonly state: string; readonly identity: string; readonly parent: string } & Paged,
    { readonly tasks: readonly WireTask[]; readonly next_page_token: string },
  ];
  EndTask: [{ readonly id: string; readonly reason: string }, { readonly tasks: readonly WireTask[] }];
}
