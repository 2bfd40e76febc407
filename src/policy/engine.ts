// SPDX-License-Identifier: Apache-2.0
/**
 * The set that decides now, and beside it, where one is tried, the shadow: asked the same, and told of where it differs, never
 * heeded. A set is swapped whole; what is asked while there is none is denied.
 */
import type { ApproverDecision, ApproverRequest, PolicyDecision, PolicyEngine, PolicyRequest } from './contract.ts';
import { decide, mayApprove } from './decide.ts';
import { policyHash } from './files.ts';
import type { PolicySet } from './policy-set.ts';

export interface Difference {
  readonly at: number;
  readonly principal: string;
  readonly action: string;
  readonly target: string;
  readonly intents: readonly string[];
  readonly live: PolicyDecision['outcome'];
  readonly shadow: PolicyDecision;
}

export interface ShadowTally {
  readonly compared: number;
  readonly differed: number;
  /** The latest. */
  readonly differences: readonly Difference[];
}

const KEPT = 100;

export class LivePolicy implements PolicyEngine {
  readonly #none = policyHash([]);
  readonly #onDifference: (difference: Difference) => void;
  #live: PolicySet | undefined;
  #shadow: PolicySet | undefined;
  #tally = { compared: 0, differed: 0, differences: [] as Difference[] };

  constructor(onDifference: (difference: Difference) => void = () => {}) {
    this.#onDifference = onDifference;
  }

  /** Undefined while there is none. */
  get live(): PolicySet | undefined {
    return this.#live;
  }

  get shadow(): PolicySet | undefined {
    return this.#shadow;
  }

  get tally(): ShadowTally {
    return this.#tally;
  }

  get policyHash(): string {
    return this.#live?.hash ?? this.#none;
  }

  swap(live: PolicySet | undefined): void {
    this.#live = live;
  }

  /** Counts anew. */
  swapShadow(shadow: PolicySet | undefined): void {
    this.#shadow = shadow;
    this.#tally = { compared: 0, differed: 0, differences: [] };
  }

  decide(request: PolicyRequest): PolicyDecision {
    const decision = this.#live === undefined ? this.#nothing() : decide(this.#live, request);
    if (this.#shadow !== undefined) this.#compare(this.#shadow, request, decision);
    return decision;
  }

  mayApprove(request: ApproverRequest): ApproverDecision {
    return this.#live === undefined ? this.#nothing() : mayApprove(this.#live, request);
  }

  #nothing(): PolicyDecision & { readonly outcome: 'deny' } {
    const reasons = [{ policyId: 'default', reason: 'no policies are loaded' }];
    // guard: I8 test/policy/engine.test.ts
    return { outcome: 'deny', reasons, policyHash: this.#none };
  }

  #compare(set: PolicySet, request: PolicyRequest, live: PolicyDecision): void {
    const shadow = decide(set, request);
    this.#tally.compared += 1;
    if (answerOf(shadow) === answerOf(live)) return;
    this.#tally.differed += 1;
    const { principal, action, target, context } = request;
    const difference = {
      at: context.at,
      principal: principal.spiffeId,
      action,
      target: target.name,
      intents: context.intents.slice(0, KEPT),
      live: live.outcome,
      shadow,
    };
    this.#tally.differences = [...this.#tally.differences, difference].slice(-KEPT);
    this.#onDifference(difference);
  }
}

/** What somebody would notice: for which reasons is no difference. */
function answerOf(decision: PolicyDecision): string {
  if (decision.outcome !== 'approve') return decision.outcome;
  const { count, strength, otherUid } = decision.need;
  return `approve ${count} ${strength} ${otherUid}`;
}
