// SPDX-License-Identifier: Apache-2.0
/**
 * A decision, and what would have to be otherwise. For people: it parses all policies again for each question, while nothing else
 * is decided, so there is an end to its patience.
 */
import type { PolicyDecision, PolicyReason, PolicyRequest } from './contract.ts';
import { decide } from './decide.ts';
import type { PolicySet } from './policy-set.ts';

export interface Explained {
  readonly decision: PolicyDecision;
  /** Policies each of which alone stands in the way: without that one it would be allowed, or asked for approval. */
  readonly alone: readonly PolicyReason[];
}

/** So many questions at most. */
const MOST_ASKED = 16;

/** Milliseconds that questions may take in all, the last of them longer. */
const PATIENCE_MS = 250;

/** `monotonic`: milliseconds that never go back. */
export function explain(set: PolicySet, request: PolicyRequest, monotonic = () => performance.now()): Explained {
  const decision = decide(set, request);
  if (decision.outcome !== 'deny') return { decision, alone: [] };
  const forbids = decision.reasons.filter(({ policyId }) => set.policies.get(policyId)?.effect === 'forbid');
  const end = monotonic() + PATIENCE_MS;
  const alone = forbids.slice(0, MOST_ASKED).filter(({ policyId }) => {
    // guard: I9 test/policy/engine.test.ts — what was not asked is not said to be alone in the way
    if (monotonic() > end) return false;
    return decide(set.without(policyId), request).outcome !== 'deny';
  });
  return { decision, alone };
}
