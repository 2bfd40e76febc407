// SPDX-License-Identifier: Apache-2.0
/** One decision for a task, or for what is given in it, out of one for each target: the strictest stands. Pure. */
import type {
  PolicyApproval,
  PolicyAttested,
  PolicyDecision,
  PolicyEngine,
  PolicyPrincipal,
  PolicyReason,
  PolicyTarget,
  PolicyTask,
  UidRelation,
} from '../policy/contract.ts';
import type { IdentityRecord } from '../store/records.ts';
import type { TaskIntent } from '../store/tasks.ts';

export interface TaskFacts {
  readonly identity: IdentityRecord;
  readonly intents: readonly TaskIntent[];
  readonly purpose: string;
  readonly depth: number;
  readonly ttlMs: number;
  readonly attested: PolicyAttested;
  readonly approvals: readonly PolicyApproval[];
  readonly findings: readonly string[];
  readonly uidRelation: UidRelation;
  readonly at: number;
  /** Absent while it begins. */
  readonly task?: Pick<PolicyTask, 'id' | 'state'>;
}

export interface DecisionRooms {
  /** Undefined where there are no policies: then no task begins. */
  readonly policy: PolicyEngine | undefined;
  readonly targets: { get(name: string): PolicyTarget | undefined };
}

export function decide(
  { policy, targets }: DecisionRooms,
  action: 'begin' | 'issue',
  facts: TaskFacts,
): PolicyDecision {
  if (policy === undefined)
    return denied('', [{ policyId: 'default', reason: 'there are no policies: none can begin' }]);
  const { policyHash } = policy;
  const by = Map.groupBy(facts.intents, ({ target }) => target);
  const decisions = [...by].map(([name, intents]): PolicyDecision => {
    const target = targets.get(name);
    // guard: C1 test/tasks/decide.test.ts
    if (target === undefined)
      return denied(policyHash, [{ policyId: 'default', reason: `there is no target ${name}` }]);
    const foreign = intents.find((intent) => !target.intents.includes(intent.action));
    // guard: C1 test/tasks/decide.test.ts
    if (foreign !== undefined)
      return denied(policyHash, [{ policyId: 'default', reason: `${name} knows no intent ${foreign.action}` }]);
    const declared = [...new Set(intents.map((intent) => intent.action))];
    const task = facts.task && { ...facts.task, identity: facts.identity.spiffeId, intents: declared };
    return policy.decide({
      principal: principalOf(facts.identity),
      action,
      target,
      context: {
        at: facts.at,
        intents: declared,
        purpose: facts.purpose,
        depth: facts.depth,
        deadlineSeconds: Math.ceil(facts.ttlMs / 1000),
        attested: facts.attested,
        approvals: facts.approvals,
        findings: facts.findings,
        uidRelation: facts.uidRelation,
        ...(task === undefined ? {} : { task }),
      },
    });
  });
  return strictest(policyHash, decisions);
}

export function strictest(policyHash: string, decisions: readonly PolicyDecision[]): PolicyDecision {
  const denials = decisions.filter((one) => one.outcome === 'deny');
  // guard: C1 test/tasks/decide.test.ts
  if (denials.length > 0 || decisions.length === 0)
    return denied(
      policyHash,
      denials.flatMap(({ reasons }) => reasons),
    );
  const needs = decisions.filter((one) => one.outcome === 'approve');
  // guard: C1 test/tasks/decide.test.ts
  if (needs.length > 0)
    return {
      policyHash,
      outcome: 'approve',
      need: {
        count: Math.max(...needs.map(({ need }) => need.count)),
        strength: Math.max(...needs.map(({ need }) => need.strength)) as 1 | 2 | 3,
        otherUid: needs.some(({ need }) => need.otherUid),
      },
      because: needs.flatMap(({ because }) => because),
    };
  return { policyHash, outcome: 'allow', by: decisions.flatMap((one) => (one.outcome === 'allow' ? one.by : [])) };
}

export function principalOf(identity: IdentityRecord): PolicyPrincipal {
  const { spiffeId, kind, owner, environment, labels, state, expiresAt } = identity;
  return { spiffeId, kind, owner, environment: environment ?? '', labels, state, expiresAt };
}

function denied(policyHash: string, reasons: readonly PolicyReason[]): PolicyDecision {
  return { policyHash, outcome: 'deny', reasons };
}

/** For whoever waits. */
export function wordsOf(decision: PolicyDecision & { readonly outcome: 'approve' }): {
  readonly because: readonly string[];
  readonly needs: string;
} {
  const { count, strength } = decision.need;
  const kind = ['', 'a key', 'a touched key', 'a key that verified its user'][strength];
  return {
    because: decision.because.map(({ reason }) => reason),
    needs: `${count} ${count === 1 ? 'person' : 'people'} with ${kind}`,
  };
}
