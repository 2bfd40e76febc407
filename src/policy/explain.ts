// SPDX-License-Identifier: Apache-2.0
/** A decision, and what would have to be otherwise. For people: it parses all policies again for each question. */
import type { PolicyDecision, PolicyReason, PolicyRequest } from './contract.ts';
import { type Deciding, decide } from './decide.ts';
import type { PolicySet } from './policy-set.ts';

export interface Explained {
  readonly decision: PolicyDecision;
  /** Policies each of which alone stands in the way: without that one it would be allowed, or asked for approval. */
  readonly alone: readonly PolicyReason[];
}

/** So many questions at most. */
const MOST_ASKED = 16;

export function explain(set: PolicySet, request: PolicyRequest): Explained {
  const decision = decide(set, request);
  if (decision.outcome !== 'deny') return { decision, alone: [] };
  const forbids = decision.reasons.filter(({ policyId }) => set.policies.get(policyId)?.effect === 'forbid');
  const alone = forbids.slice(0, MOST_ASKED).filter(({ policyId }) => {
    const without: Deciding = {
      hash: set.hash,
      policies: set.policies,
      evaluate: (asked) => set.evaluateWithout(policyId, asked),
    };
    return decide(without, request).outcome !== 'deny';
  });
  return { decision, alone };
}
