// SPDX-License-Identifier: Apache-2.0
/**
 * The decision with three values. Cedar knows two, so the middle is found by asking again: would it be allowed if so many
 * people had approved with that strength? The cheapest that would is what is needed. Pure but for the evaluations.
 */
import type {
  ApprovalNeed,
  ApprovalStrength,
  ApproverDecision,
  ApproverRequest,
  PolicyDecision,
  PolicyReason,
  PolicyRequest,
} from './contract.ts';
import type { Evaluated, PolicySet } from './policy-set.ts';
import {
  type Approvals,
  approverRequest,
  type Counts,
  countApprovals,
  MOST_APPROVALS,
  type Prepared,
  prepare,
  requestOf,
} from './request.ts';

export type Deciding = Pick<PolicySet, 'hash' | 'policies' | 'evaluate'>;
type Answer = PolicyDecision extends infer D ? (D extends unknown ? Omit<D, 'policyHash'> : never) : never;

const STRENGTHS: readonly ApprovalStrength[] = [1, 2, 3];
/** In the order of what it asks of people: one who touches before two with keys. */
const LADDER = [1, 2, MOST_APPROVALS].flatMap((count) => STRENGTHS.map((strength) => ({ count, strength })));
const STRONGEST = { count: MOST_APPROVALS, strength: 3 } as const;

export function decide(set: Deciding, request: PolicyRequest): PolicyDecision {
  return guarded(set, () => threeValued(set, request));
}

export function mayApprove(set: Deciding, request: ApproverRequest): ApproverDecision {
  return guarded(set, () => {
    const one = set.evaluate(approverRequest(request));
    return one.allowed && one.failed.length === 0
      ? { outcome: 'allow', by: reasonsOf(set, [one]) }
      : { outcome: 'deny', reasons: reasonsOf(set, [one]) };
  });
}

/** Invariant I8: what cannot be decided is a deny, and says no more of the request than that. */
function guarded<T extends Answer>(set: Deciding, run: () => T): T & { readonly policyHash: string } {
  try {
    return { ...run(), policyHash: set.hash };
  } catch {
    const reasons = [{ policyId: 'error', reason: 'the request could not be decided by the policies' }];
    return { outcome: 'deny', reasons, policyHash: set.hash } as unknown as T & { readonly policyHash: string };
  }
}

function threeValued(set: Deciding, request: PolicyRequest): Answer {
  const { intents } = request.context;
  // guard: I8 test/policy/decide.test.ts — of no intent every one is allowed
  if (intents.length === 0)
    return { outcome: 'deny', reasons: [{ policyId: 'default', reason: 'no intent is named' }] };
  const prepared = prepare(request);
  const real = countApprovals(request.context.approvals);
  const ask = (approvals: Approvals): Round => new Round(set, prepared, intents, approvals);

  const now = ask(real);
  if (now.failed) return { outcome: 'deny', reasons: now.because() };
  if (now.allowed) return { outcome: 'allow', by: now.because() };
  const other = request.context.uidRelation === 'other';
  const best = ask(having(real, STRONGEST, other));
  if (!best.allowed) return { outcome: 'deny', reasons: best.because() };
  for (const rung of LADDER) {
    const round = ask(having(real, rung, other));
    if (round.failed) return { outcome: 'deny', reasons: round.because() };
    if (!round.allowed) continue;
    const otherUid = other && !ask(having(real, rung, false)).allowed;
    return { outcome: 'approve', need: { ...rung, otherUid } satisfies ApprovalNeed, because: now.because() };
  }
  return { outcome: 'deny', reasons: now.because() };
}

/** All intents with the same approvals: the strictest answer stands. */
class Round {
  readonly #set: Deciding;
  readonly #answers: readonly Evaluated[];

  constructor(set: Deciding, prepared: Prepared, intents: readonly string[], approvals: Approvals) {
    this.#set = set;
    this.#answers = [...new Set(intents)].map((intent) => set.evaluate(requestOf(prepared, intent, approvals)));
  }

  /** Cedar leaves out a policy that it cannot evaluate, also a `forbid`, and may say allow without it. */
  get failed(): boolean {
    return this.#answers.some((one) => one.failed.length > 0);
  }

  get allowed(): boolean {
    // guard: I8 test/policy/decide.test.ts
    return !this.failed && this.#answers.every((one) => one.allowed);
  }

  because(): PolicyReason[] {
    const told = this.failed
      ? this.#answers.filter((one) => one.failed.length > 0)
      : this.#answers.filter((one) => one.allowed === this.allowed);
    return reasonsOf(this.#set, told);
  }
}

/** As if that many had approved in all. */
function having(
  real: Approvals,
  rung: { readonly count: number; readonly strength: ApprovalStrength },
  other: boolean,
): Approvals {
  return { ...raised(real, rung), other: other ? raised(real.other, rung) : real.other };
}

function raised(counts: Counts, { count, strength }: { readonly count: number; readonly strength: number }): Counts {
  const { key, touch, verified } = counts;
  return {
    key: Math.max(key, count),
    touch: strength >= 2 ? Math.max(touch, count) : touch,
    verified: strength >= 3 ? Math.max(verified, count) : verified,
  };
}

function reasonsOf(set: Deciding, answers: readonly Evaluated[]): PolicyReason[] {
  const failed = answers.flatMap((one) => one.failed);
  if (failed.length > 0)
    return unique(failed).map((policyId) => ({ policyId, reason: 'could not be evaluated, so nothing is allowed' }));
  const bare = answers.some((one) => one.by.length === 0);
  const named = unique(answers.flatMap((one) => one.by)).map((policyId) => ({
    policyId,
    reason: set.policies.get(policyId)?.reason ?? '',
  }));
  return bare ? [...named, { policyId: 'default', reason: 'no permit matched' }] : named;
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort();
}
