// SPDX-License-Identifier: Apache-2.0
/** What others are told of who asks for tasks: each ask that was decided, and each that a parent does not cover. */
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyDecision } from '../policy/contract.ts';
import type { TaskIntent, TaskRecord } from '../store/tasks.ts';

export type TaskNotice =
  /** It is written, whichever way it went. */
  | { readonly kind: 'decided'; readonly task: TaskRecord; readonly decision: PolicyDecision }
  /** A member of `parent` asked for more than that declared. */
  | {
      readonly kind: 'not-in-parent';
      /** SPIFFE ID of the identity that was to be lent. */
      readonly identity: string;
      readonly parent: TaskRecord;
      readonly intents: readonly TaskIntent[];
      readonly process: Pick<ProcessHandle, 'pid' | 'uid'>;
    };
