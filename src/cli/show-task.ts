// SPDX-License-Identifier: Apache-2.0
/** Tasks as JSON and in words. */
import type { WireTask } from '../api/admin/wire-task.ts';
import type { Io } from './io.ts';
import { instant, printFields, when } from './print.ts';

export function taskJson(task: WireTask): object {
  const { id, identity, root, depth, purpose, intents, pid, uid, gid, digest, state } = task;
  return {
    ...{ id, identity, root, depth, purpose, intents, pid, digest, state },
    uid: Number(uid),
    gid: Number(gid),
    pid: Number(pid),
    parent: task.parent === '' ? null : task.parent,
    grant: task.grant === '' ? null : task.grant,
    deadline: instant(Number(task.deadline)),
    attested: JSON.parse(task.attested) as object,
    policy_hash: task.policy_hash === '' ? null : task.policy_hash,
    state_since: instant(Number(task.state_since)),
    end: task.end === '' ? null : task.end,
    end_reason: task.end_reason === '' ? null : task.end_reason,
    created_at: instant(Number(task.created_at)),
  };
}

/** As `state`, and how it came to it. */
export function stateText({ state, end }: WireTask): string {
  return end === '' ? state : `${state} (${end})`;
}

export function printTask(io: Io, task: WireTask): void {
  const now = io.now();
  printFields(io, [
    ['id', task.id],
    ['identity', task.identity],
    ['purpose', task.purpose],
    ...task.intents.map((intent) => ['intent', intent] as const),
    ['parent', task.parent === '' ? undefined : task.parent],
    ['grant', task.grant === '' ? undefined : task.grant],
    ['state', `${stateText(task)}, since ${when(Number(task.state_since), now)}`],
    ['reason', task.end_reason === '' ? undefined : task.end_reason],
    ['deadline', when(Number(task.deadline), now)],
    ['process', `pid ${task.pid}, uid ${task.uid}, gid ${task.gid}`],
    ...selectorsOf(task).map((selector) => ['attested', selector] as const),
    ['policies', task.policy_hash === '' ? undefined : task.policy_hash],
    ['digest', task.digest],
    ['begun', when(Number(task.created_at), now)],
  ]);
}

function selectorsOf({ attested }: WireTask): readonly string[] {
  const { selectors = [] } = JSON.parse(attested) as { readonly selectors?: readonly string[] };
  return selectors;
}
