// SPDX-License-Identifier: Apache-2.0
/** The evidence of a task that began under a grant, the second of three: two people signed that one. */
import type { ApprovalRequest } from '../../src/approvals/request.ts';
import { requestDigest } from '../../src/approvals/statement.ts';
import type { GrantRecord } from '../../src/store/grants.ts';
import { grantRow, grantValues } from '../../src/store/sqlite/grant-rows.ts';
import { taskRow, taskValues } from '../../src/store/sqlite/task-rows.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { digestOf } from '../../src/tasks/request.ts';
import { asked, aTask, BEGUN, requestFor, type Story, step, story, type Told, vote } from './evidence-story.ts';
import type { TestSshKey } from './sshsig.ts';

const MINUTE = 60_000;
const ASKED = BEGUN - 30 * MINUTE;

export function aGrant(): GrantRecord {
  const { identity, intents } = aTask();
  return {
    ...{ id: '01jdqw3h5v8z9k2m4n6p7r8s9w', identity, intents, purpose: 'support shift' },
    ...{ windowFrom: ASKED, windowTo: ASKED + 480 * MINUTE, maxTaskTtlMs: 60 * MINUTE, maxTasks: 3 },
    ...{ breakGlass: false, used: 0, requestedBy: 'uid:0', digest: '', state: 'requested', stateSince: ASKED },
    ...{ stateReason: null, createdAt: ASKED, revision: 1 },
  };
}

function requestOf({ id, windowFrom, windowTo, purpose, maxTasks, maxTaskTtlMs }: GrantRecord): ApprovalRequest {
  return requestFor(aTask(), {
    ...{ kind: 'grant', id, purpose, deadline: windowTo, from: windowFrom, mostTasks: maxTasks },
    ...{ taskSeconds: maxTaskTtlMs / 1_000, uid: null, pid: null, started: null, selectors: [], executable: null },
    ...{ sha256: null, secrets: null, notAfter: windowTo },
  });
}

/** `change`: of what people are asked. */
export function grantStory(change: Partial<ApprovalRequest> = {}): Story {
  const bare = aGrant();
  const request = { ...requestOf(bare), ...change };
  const grant = { ...bare, digest: requestDigest(request) };
  const said = { ...aTask(), grant: grant.id, state: 'active' } as const;
  const task: TaskRecord = { ...said, digest: digestOf(said, 60 * MINUTE) };
  const base = story();
  const { told, keys } = base;
  const key = (name: string): TestSshKey => keys.get(name) as TestSshKey;
  const people = told.filter(({ kind }) => kind.startsWith('human.')).map((one) => ({ ...one, at: ASKED - MINUTE }));
  const later = told.slice(told.indexOf(base.of('issue.x509'))).filter(({ kind }) => kind !== 'task.ended');
  const filler = told[0] as Told;
  const ofGrant = (one: Told): Told => {
    if (one.kind.startsWith('approval.')) Object.assign(one.said, { kind: 'grant', task: null });
    return { ...one, task: null };
  };
  const moved = (name: string, revision: number, used: number, by: string | null = null): Told => ({
    ...ofGrant(base.of('task.pending')),
    kind: `grant.${name}`,
    task: by,
    said: {
      ...grantRow(grantValues({ ...grant, revision, used, state: name === 'used' ? 'active' : (name as 'active') })),
    },
  });
  const rows = [
    filler,
    ...people,
    moved('requested', 1, 0),
    moved('pending', 2, 0),
    ofGrant(asked('open', request, ASKED, 'pending', 1)),
    ofGrant(vote('alice', key('alice'), request, ASKED + MINUTE)),
    ofGrant(asked('voted', request, ASKED + MINUTE, 'pending', 2)),
    ofGrant(vote('bob', key('bob'), request, ASKED + 2 * MINUTE)),
    ofGrant(asked('approved', request, ASKED + 2 * MINUTE, 'approved', 3)),
    moved('active', 3, 0),
    moved('used', 4, 1, '01jdqw3h5v8z9k2m4n6p7r8s9x'),
    { ...filler },
    moved('used', 5, 2, task.id),
    { ...step(task, 'active', BEGUN, 1), said: { ...taskRow(taskValues(task)) } },
    ...later.slice(0, -2),
    step(task, 'ended', BEGUN + 6 * MINUTE, 2),
    ...later.slice(-2),
  ];
  told.splice(0, told.length, ...rows);
  return { ...base, request };
}
