// SPDX-License-Identifier: Apache-2.0
/** What holds of every request, not of those somebody thought of. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PolicyApproval, PolicyRequest } from '../../src/policy/contract.ts';
import { decide } from '../../src/policy/decide.ts';
import { PolicySet } from '../../src/policy/policy-set.ts';
import { ask, bot, context, crm, NOW, payments } from './support.ts';

/** A site that permits whatever it may: only guardrails are left to deny. */
const all = PolicySet.load([
  {
    name: 'all.cedar',
    text: '@id("all") @reason("all") permit (principal is Identity, action in [Action::"begin", Action::"issue", Action::"use"], resource);',
  },
]);

const approvals: fc.Arbitrary<readonly PolicyApproval[]> = fc.array(
  fc.record({
    human: fc.constantFrom('alice', 'bob', 'carol', 'dave', '__proto__'),
    strength: fc.constantFrom(1, 2, 3),
    uid: fc.constantFrom('other', 'same', 'unknown'),
  }),
  { maxLength: 6 },
);

/** Mostly what is well, so that not every request is denied. */
const time = fc.constantFrom(NOW, NOW + 1, NOW + 2, NOW + 1_000);
const request: fc.Arbitrary<PolicyRequest> = fc
  .record({
    action: fc.constantFrom('begin', 'issue', 'use'),
    kind: fc.constantFrom('agent', 'service'),
    state: fc.constantFrom('active', 'active', 'active', 'suspended'),
    expiresAt: time,
    environment: fc.constantFrom('prod', 'prod', 'prod', 'test', ''),
    target: fc.constantFrom(crm, payments),
    retired: fc.constantFrom(false, false, false, true),
    thirdParty: fc.boolean(),
    reviewBy: fc.option(time),
    known: fc.constantFrom(true, true, true, false),
    depth: fc.nat(5),
    secrets: fc.constantFrom('none-seen', 'none-seen', 'none-seen', 'found', 'unreadable'),
    taskState: fc.constantFrom('active', 'active', 'active', 'ended'),
    declared: fc.constantFrom(true, true, true, false),
    inTask: fc.constantFrom(true, true, true, false),
    uidRelation: fc.constantFrom('other', 'same', 'unknown'),
    findings: fc.constantFrom([], [], ['intent-mismatch', 'require-approval']),
    approvals,
  })
  .map((one) => {
    const principal = {
      ...bot,
      kind: one.kind,
      state: one.state,
      expiresAt: one.expiresAt,
      environment: one.environment,
    } as const;
    const target = { ...one.target, retired: one.retired, thirdParty: one.thirdParty, reviewBy: one.reviewBy };
    const intent = one.known ? (target.intents[0] as string) : 'other';
    const task = {
      id: 't',
      identity: bot.spiffeId,
      state: one.taskState,
      intents: one.declared ? [intent] : [],
    } as const;
    const attested = { ...context.attested, secrets: one.secrets } as const;
    const { task: _none, ...bare } = ask(target, intent).context;
    return {
      principal,
      action: one.action,
      target,
      context: {
        ...bare,
        ...(one.inTask ? { task } : {}),
        depth: one.depth,
        attested,
        approvals: one.approvals,
        uidRelation: one.uidRelation,
        findings: one.findings,
      },
    } as PolicyRequest;
  });
const withApprovals = (one: PolicyRequest, given: readonly PolicyApproval[]): PolicyRequest => ({
  ...one,
  context: { ...one.context, approvals: given },
});

describe('whatever is asked', () => {
  it('I8: what the guardrails deny no approval allows', () => {
    fc.assert(
      fc.property(request, approvals, (one, more) => {
        if (decide(all, one).outcome !== 'deny') return;
        expect(decide(all, withApprovals(one, [...one.context.approvals, ...more])).outcome).toBe('deny');
      }),
      { numRuns: 300 },
    );
  });

  it('what is asked for is enough, and one less is not', () => {
    let asked = 0;
    fc.assert(
      fc.property(request, (one) => {
        const before = decide(all, withApprovals(one, []));
        if (before.outcome !== 'approve') return;
        asked += 1;
        const { count, strength, otherUid } = before.need;
        const given = Array.from(
          { length: count },
          (_, at) => ({ human: `h${at}`, strength, uid: otherUid ? 'other' : 'same' }) as const,
        );
        expect(decide(all, withApprovals(one, given)).outcome).toBe('allow');
        expect(decide(all, withApprovals(one, given.slice(1))).outcome).toBe('approve');
      }),
      { numRuns: 300 },
    );
    expect(asked).toBeGreaterThan(5);
  });

  it('while a finding asks for people, nothing is ever allowed without a human out of the agent’s reach', () => {
    fc.assert(
      fc.property(request, (one) => {
        if (!one.context.findings.includes('require-approval') || decide(all, one).outcome !== 'allow') return;
        expect(one.context.approvals.some(({ strength, uid }) => strength >= 2 || uid === 'other')).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('a high-impact target is never allowed without a human out of the agent’s reach', () => {
    fc.assert(
      fc.property(request, (one) => {
        if (one.target.impact !== 'high' || decide(all, one).outcome !== 'allow') return;
        expect(one.context.approvals.some(({ strength, uid }) => strength >= 2 || uid === 'other')).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
