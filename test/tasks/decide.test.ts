// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PolicyDecision, PolicyEngine, PolicyTarget } from '../../src/policy/contract.ts';
import { decide, strictest, type TaskFacts } from '../../src/tasks/decide.ts';
import { parseIntents } from '../../src/tasks/request.ts';
import { anIdentity, NOW } from '../store/samples.ts';

const facts = (intents: readonly string[]): TaskFacts => ({
  identity: anIdentity(),
  intents: parseIntents(intents),
  purpose: 'p',
  depth: 0,
  ttlMs: 1_500,
  attested: { selectors: [], claimed: [], secrets: 'none-seen' },
  approvals: [],
  findings: [],
  uidRelation: 'unknown',
  at: NOW,
});
const target = { intents: ['read'] } as unknown as PolicyTarget;
const targets = { get: (name: string) => (name === 'crm' ? target : undefined) };
const allow: PolicyDecision = { policyHash: 'h', outcome: 'allow', by: [] };
const policy: PolicyEngine = {
  policyHash: 'h',
  decide: () => allow,
  mayApprove: () => ({ policyHash: 'h', outcome: 'deny', reasons: [] }),
};
const reasonsOf = (decision: PolicyDecision) =>
  decision.outcome === 'deny' ? decision.reasons.map(({ reason }) => reason) : [];

describe('a task', () => {
  it('C1: without policies is denied', () => {
    expect(reasonsOf(decide({ policy: undefined, targets }, 'begin', facts(['crm:read'])))).toEqual([
      'there are no policies: none can begin',
    ]);
  });

  it('C1: of a target that is not registered, or an intent that it does not know, is denied whatever policy says', () => {
    expect(decide({ policy, targets }, 'begin', facts(['crm:read'])).outcome).toBe('allow');
    expect(reasonsOf(decide({ policy, targets }, 'begin', facts(['crm:read', 'other:read'])))).toEqual([
      'there is no target other',
    ]);
    expect(reasonsOf(decide({ policy, targets }, 'begin', facts(['crm:read', 'crm:erase'])))).toEqual([
      'crm knows no intent erase',
    ]);
  });
});

const decision: fc.Arbitrary<PolicyDecision> = fc.oneof(
  fc.constant(allow),
  fc.record({
    policyHash: fc.constant('h'),
    outcome: fc.constant('deny' as const),
    reasons: fc.constant([{ policyId: 'p', reason: 'r' }]),
  }),
  fc.record({
    policyHash: fc.constant('h'),
    outcome: fc.constant('approve' as const),
    need: fc.record({
      count: fc.integer({ min: 1, max: 3 }),
      strength: fc.constantFrom(1 as const, 2 as const, 3 as const),
      otherUid: fc.boolean(),
    }),
    because: fc.constant([]),
  }),
);

it('C1: the strictest of all decisions stands: no more is allowed than each allows', () => {
  fc.assert(
    fc.property(fc.array(decision, { maxLength: 5 }), (all) => {
      const one = strictest('h', all);
      if (all.length === 0 || all.some(({ outcome }) => outcome === 'deny')) expect(one.outcome).toBe('deny');
      else if (all.some(({ outcome }) => outcome === 'approve')) {
        expect(one.outcome).toBe('approve');
        for (const each of all)
          if (each.outcome === 'approve' && one.outcome === 'approve') {
            expect(one.need.count).toBeGreaterThanOrEqual(each.need.count);
            expect(one.need.strength).toBeGreaterThanOrEqual(each.need.strength);
            expect(one.need.otherUid || !each.need.otherUid).toBe(true);
          }
      } else expect(one.outcome).toBe('allow');
    }),
  );
});
