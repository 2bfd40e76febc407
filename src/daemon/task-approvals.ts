// SPDX-License-Identifier: Apache-2.0
/** A task that waits as the request that people are shown: every fact that the decision rests on (attack C4). */
import type { Approvals } from '../approvals/approvals.ts';
import type { ApprovalRequest, RequestTarget } from '../approvals/request.ts';
import type { AgentOwners } from '../approvals/uid-relation.ts';
import type { Random } from '../lib/random.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyDecision, PolicyTarget } from '../policy/contract.ts';
import type { TaskRecord } from '../store/tasks.ts';
import { intentText } from '../tasks/request.ts';
import type { TaskApprovals } from '../tasks/rooms.ts';

export interface AskingFacts {
  readonly targets: { get(name: string): PolicyTarget | undefined };
  /** Who answers for the identity. */
  readonly owner: string;
  /** Detectors with an open finding about it. */
  readonly findings: readonly string[];
  readonly trustDomain: string;
  /** Name of the key that signs the log. */
  readonly log: string;
  /** Until when people may answer, beside the task's own deadline. */
  readonly notAfter: number;
  readonly random: Random;
}

export type Asking = PolicyDecision & { readonly outcome: 'approve' };

/** `ask`: what people are shown of a task, and as whom its process was started. */
export function taskApprovals(
  approvals: Approvals,
  ask: (
    task: TaskRecord,
    decision: Asking,
    leader: ProcessHandle,
  ) => { readonly request: ApprovalRequest; readonly agent: AgentOwners },
): TaskApprovals {
  return {
    async open(task, decision, leader) {
      const { request, agent } = ask(task, decision, leader);
      await approvals.open(request, agent, task.identity);
    },
    countedFor(taskId) {
      const opened = approvals.state(taskId);
      // guard: C4 test/daemon/task-approvals.test.ts — less than what was asked for lets nothing begin
      return opened?.state === 'approved' ? opened.approvals : [];
    },
    onVoice(listener) {
      approvals.onDecided(({ id, state, reason, request }) => {
        if (request.kind !== 'task') return;
        if (state === 'approved') listener(id);
        // A task knows itself when its time is over.
        else if (state === 'rejected' || state === 'withdrawn') listener(id, { kind: state, reason: reason ?? '' });
      });
    },
  };
}

const NONCE_BYTES = 16;

/** As `src/tasks/caller.ts` wrote it. */
interface AttestedText {
  readonly selectors: readonly string[];
  readonly claimed: readonly string[];
  readonly secrets: 'found' | 'none-seen' | 'unreadable';
}

export function requestForTask(
  task: TaskRecord,
  { need, because, policyHash }: Asking,
  facts: AskingFacts,
): ApprovalRequest {
  const { selectors, claimed, secrets } = JSON.parse(task.attested) as AttestedText;
  const { owner, trustDomain, log, random } = facts;
  return {
    kind: 'task',
    id: task.id,
    identity: task.identity,
    targets: targetsOf(task, facts),
    purpose: task.purpose,
    deadline: task.deadline,
    parent: task.parent,
    ...{ grant: task.grant, from: null, mostTasks: null, taskSeconds: null, delegates: [], requestedBy: null },
    ...{ uid: task.uid, pid: task.pid, started: Number(task.startTime) },
    selectors: sorted(selectors),
    executable: onlyValue(claimed, 'unix:path:'),
    sha256: onlyValue(claimed, 'unix:sha256:'),
    secrets,
    findings: sorted(facts.findings),
    owner,
    ...{ needCount: need.count, needStrength: need.strength, needOtherUid: need.otherUid },
    because: sorted(because.map(({ policyId }) => policyId)),
    ...{ policyHash, trustDomain, log },
    nonce: random.bytes(NONCE_BYTES).toString('base64url'),
    notAfter: Math.min(facts.notAfter, task.deadline),
  };
}

export function targetsOf(
  task: Pick<TaskRecord, 'intents'>,
  { targets }: Pick<AskingFacts, 'targets'>,
): readonly RequestTarget[] {
  const byTarget = Map.groupBy(task.intents, ({ target }) => target);
  return sorted([...byTarget.keys()]).map((name) => {
    const target = targets.get(name);
    // Policy decided on it a moment ago: one that has gone since is asked of nobody.
    if (target === undefined) throw new RangeError(`there is no target ${name}`);
    const { owner, environment, impact, irrevocable = [] } = target;
    const intents = byTarget.get(name) ?? [];
    return {
      ...{ name, owner, impact },
      environment: environment === '' ? null : environment,
      irrevocable: intents.some(({ action }) => irrevocable.includes(action)),
      intents: sorted(intents.map(intentText)),
    };
  });
}

/** The only one; null where there are none, or several. */
function onlyValue(claimed: readonly string[], prefix: string): string | null {
  const [one, ...more] = claimed.filter((selector) => selector.startsWith(prefix));
  return one === undefined || more.length > 0 ? null : one.slice(prefix.length);
}

/** Each once, as `src/approvals/` wants them. */
export function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}
