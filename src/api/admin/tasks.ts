// SPDX-License-Identifier: Apache-2.0
/** Tasks: get, list, end. */
import { FREE_TEXT_MAX, parseText } from '../../registry/plain-text.ts';
import type { TaskRecord } from '../../store/tasks.ts';
import { intentText } from '../../tasks/request.ts';
import { nameOf } from './actor-name.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, missing, readPage, readWord } from './read-request.ts';
import type { Outgoing } from './wire.ts';
import type { TaskRpcs, WireTask } from './wire-task.ts';

const STATES = ['pending', 'active', 'ended', 'denied'] as const;

export function taskRpcs({ tasks }: AdminDeps): Handlers<keyof TaskRpcs> {
  return {
    GetTask({ id }) {
      const task = tasks.get(id);
      if (task === undefined) throw missing('TASK_NOT_FOUND', 'task', id, 'list them: assay task list');
      return { task: showTask(task) };
    },
    ListTasks(request) {
      const filter = {
        state: readWord(request.state, STATES, 'state'),
        identity: given(request.identity),
        parent: given(request.parent),
      };
      const { rows, next } = tasks.list(filter, readPage(request));
      return { tasks: rows.map(showTask), next_page_token: next ?? '' };
    },
    async EndTask(request, { actor }) {
      const reason = parseText(request.reason, 'reason', FREE_TEXT_MAX);
      const ended = await tasks.revoke(request.id, reason, nameOf(actor));
      return { tasks: ended.map(({ task }) => showTask(task)) };
    },
  };
}

export function showTask(task: TaskRecord): Outgoing<WireTask> {
  const { id, identity, root, depth, purpose, deadline, pid, uid, gid, attested, digest, state } = task;
  return {
    ...{ id, identity, root, depth, purpose, deadline, pid, uid, gid, attested, digest, state },
    parent: task.parent ?? '',
    grant: task.grant ?? '',
    intents: task.intents.map(intentText),
    policy_hash: task.policyHash,
    state_since: task.stateSince,
    end: task.end ?? '',
    end_reason: task.endReason ?? '',
    created_at: task.createdAt,
  };
}
