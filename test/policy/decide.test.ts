// SPDX-License-Identifier: Apache-2.0
/** What the guardrails and two permits of a site say: allow, approve with so many of such strength, or deny. */
import { describe, expect, it } from '@jest/globals';
import type { ApprovalStrength, PolicyDecision, PolicyRequest, UidRelation } from '../../src/policy/contract.ts';
import { decide, mayApprove } from '../../src/policy/decide.ts';
import { PolicySet } from '../../src/policy/policy-set.ts';
import { countApprovals, prepare, requestOf } from '../../src/policy/request.ts';
import { approver, ask, bot, context, crm, NOW, payments, SITE } from './support.ts';

const set = PolicySet.load(SITE);
const by = (human: string, strength: ApprovalStrength, uid: UidRelation = 'same') => ({ human, strength, uid });
const task = context.task as NonNullable<PolicyRequest['context']['task']>;
const third = { ...crm, thirdParty: true };

/** One line: the outcome, what is needed, and the policies that said so. */
function told(decision: PolicyDecision): string {
  const ids = (reasons: readonly { readonly policyId: string }[]): string =>
    reasons.map((one) => one.policyId).join(' ');
  switch (decision.outcome) {
    case 'allow':
      return `allow by ${ids(decision.by)}`;
    case 'approve': {
      const { count, strength, otherUid } = decision.need;
      return `approve ${count} x ${strength}${otherUid ? ' of another uid' : ''} because ${ids(decision.because)}`;
    }
    case 'deny':
      return `deny ${ids(decision.reasons)}`;
  }
}

describe('a decision', () => {
  it.each<readonly [string, PolicyRequest, string]>([
    ['to read the CRM', ask(crm, 'crm:read'), 'allow by support-bot-reads-crm'],
    ['to begin with that', ask(crm, 'crm:read', {}, { action: 'begin' }), 'allow by support-bot-reads-crm'],
    ['to refund', ask(payments, 'payments:refund'), 'approve 1 x 2 because high-impact-needs-human'],
    [
      'to refund, with a plain key under the agent’s uid',
      ask(payments, 'payments:refund', { approvals: [by('alice', 1)] }),
      'approve 1 x 2 because high-impact-needs-human',
    ],
    [
      'to refund, with a touch',
      ask(payments, 'payments:refund', { approvals: [by('alice', 2)] }),
      'allow by support-bot-refunds',
    ],
    [
      'to refund, where humans have uids of their own',
      ask(payments, 'payments:refund', { uidRelation: 'other' }),
      'approve 1 x 1 of another uid because high-impact-needs-human',
    ],
    [
      'to refund, with a plain key of another uid',
      ask(payments, 'payments:refund', { approvals: [by('bob', 1, 'other')] }),
      'allow by support-bot-refunds',
    ],
    [
      'C2: to refund, with a plain key of a uid that is not known',
      ask(payments, 'payments:refund', { approvals: [by('bob', 1, 'unknown')], uidRelation: 'unknown' }),
      'approve 1 x 2 because high-impact-needs-human',
    ],
    [
      'to write the CRM, of which the task said nothing',
      ask(crm, 'crm:write', { task: { ...task, intents: ['crm:read'] } }),
      'deny inside-the-task',
    ],
    [
      'to read the CRM, while a finding asks for people',
      ask(crm, 'crm:read', { findings: ['intent-mismatch', 'require-approval'] }),
      'approve 1 x 2 because findings-need-human',
    ],
    [
      'C2: the same, with a plain key under the agent’s uid',
      ask(crm, 'crm:read', { findings: ['require-approval'], approvals: [by('alice', 1)] }),
      'approve 1 x 2 because findings-need-human',
    ],
    [
      'the same, with a touch',
      ask(crm, 'crm:read', { findings: ['require-approval'], approvals: [by('alice', 2)] }),
      'allow by support-bot-reads-crm',
    ],
    [
      'to read the CRM, while a finding asks for nothing',
      ask(crm, 'crm:read', { findings: ['intent-mismatch'] }),
      'allow by support-bot-reads-crm',
    ],
    ['to pay out, which nothing permits', ask(payments, 'payments:payout'), 'deny default'],
    [
      'C5: with a static secret in the environment',
      ask(crm, 'crm:read', { attested: { ...context.attested, secrets: 'found' } }),
      'deny no-static-secrets no-unread-environment',
    ],
    [
      'C5: with an environment that could not be read',
      ask(crm, 'crm:read', { attested: { ...context.attested, secrets: 'unreadable' } }),
      'deny no-unread-environment',
    ],
    [
      'of a suspended identity',
      ask(crm, 'crm:read', {}, { principal: { ...bot, state: 'suspended' } }),
      'deny lifecycle',
    ],
    [
      'of an identity at its last millisecond',
      ask(crm, 'crm:read', {}, { principal: { ...bot, expiresAt: NOW + 1 } }),
      'allow by support-bot-reads-crm',
    ],
    [
      'of an identity that has expired',
      ask(crm, 'crm:read', {}, { principal: { ...bot, expiresAt: NOW } }),
      'deny lifecycle',
    ],
    ['in another environment', ask({ ...crm, environment: 'test' }, 'crm:read'), 'deny env-isolation'],
    ['of a target that is retired', ask({ ...crm, retired: true }, 'crm:read'), 'deny target-live'],
    ['of a target that has expired', ask({ ...crm, expiresAt: NOW }, 'crm:read'), 'deny target-live'],
    ['of a third party without a review date', ask(third, 'crm:read'), 'deny third-party-review'],
    ['of a third party past its review', ask({ ...third, reviewBy: NOW }, 'crm:read'), 'deny third-party-review'],
    [
      'of a third party that was reviewed',
      ask({ ...third, reviewBy: NOW + 1 }, 'crm:read'),
      'allow by support-bot-reads-crm',
    ],
    ['with an intent that the target has not', ask(crm, 'crm:drop'), 'deny known-intent'],
    [
      'of another’s task',
      ask(crm, 'crm:read', { task: { ...task, identity: 'spiffe://example.org/agent/other' } }),
      'deny task-live',
    ],
    ['of a task that has ended', ask(crm, 'crm:read', { task: { ...task, state: 'ended' } }), 'deny task-live'],
    ['of a task that is pending', ask(crm, 'crm:read', { task: { ...task, state: 'pending' } }), 'deny task-live'],
    ['three deep', ask(crm, 'crm:read', { depth: 3 }, { action: 'begin' }), 'allow by support-bot-reads-crm'],
    ['four deep', ask(crm, 'crm:read', { depth: 4 }, { action: 'begin' }), 'deny depth'],
    ['for longer than the permit has', ask(crm, 'crm:read', { deadlineSeconds: 901 }), 'deny default'],
    [
      'of an identity without the label',
      ask(crm, 'crm:read', {}, { principal: { ...bot, labels: new Map() } }),
      'deny default',
    ],
    [
      'of several intents, all permitted',
      ask(crm, 'crm:read', {
        intents: ['crm:read', 'crm:write'],
        task: { ...task, intents: ['crm:read', 'crm:write'] },
      }),
      'allow by support-bot-reads-crm',
    ],
    [
      'of several intents, one not declared',
      ask(crm, 'crm:read', { intents: ['crm:read', 'crm:write'] }),
      'deny inside-the-task',
    ],
    [
      'of several intents, one nobody permits',
      ask(payments, 'payments:refund', {
        intents: ['payments:refund', 'payments:payout'],
        task: { ...task, intents: payments.intents },
      }),
      'deny default',
    ],
    ['of no intent', ask(crm, 'crm:read', { intents: [] }), 'deny default'],
  ])('%s', (_name, request, expected) => {
    expect(told(decide(set, request))).toBe(expected);
  });

  it('of an agent without a task is a deny', () => {
    const { task: _none, ...without } = context;
    expect(told(decide(set, { ...ask(crm, 'crm:read'), context: without }))).toBe('deny agents-need-a-task');
  });

  it('names the set it was made with, and the reasons in words', () => {
    expect(decide(set, ask(payments, 'payments:refund'))).toEqual({
      outcome: 'approve',
      need: { count: 1, strength: 2, otherUid: false },
      because: [{ policyId: 'high-impact-needs-human', reason: 'high-impact target: a human must approve' }],
      policyHash: set.hash,
    });
  });

  it('C3: two signatures of one human are one vote', () => {
    const two = PolicySet.load([
      ...SITE,
      {
        name: 'two.cedar',
        text: '@id("two") @reason("two people") forbid (principal is Identity, action, resource) unless { context.approvals.key >= 2 };',
      },
    ]);
    const twice = ask(crm, 'crm:read', { approvals: [by('alice', 1), by('alice', 2)] });
    expect(told(decide(two, twice))).toBe('approve 2 x 1 because two');
    expect(told(decide(two, ask(crm, 'crm:read', { approvals: [by('alice', 1), by('bob', 1)] })))).toBe(
      'allow by support-bot-reads-crm',
    );
  });
});

describe('I8: what cannot be evaluated', () => {
  const overflow = 'context.seconds * 9223372036854775807 > 0';
  const permitAll = '@id("all") @reason("all") permit (principal is Identity, action == Action::"issue", resource);';
  const withGuard = (effect: string) =>
    PolicySet.load([
      {
        name: 'a.cedar',
        text: `${permitAll}\n@id("broken") @reason("x") ${effect} (principal is Identity, action == Action::"issue", resource) when { ${overflow} };`,
      },
    ]);

  it.each(['forbid', 'permit'])('is a deny that names the %s', (effect) => {
    const broken = withGuard(effect);
    const request = ask(crm, 'crm:read');
    // The trap: Cedar itself leaves the policy out, and says allow.
    expect(broken.evaluate({ ...rawRequest(broken, request) })).toMatchObject({ allowed: true, failed: ['broken'] });
    expect(decide(broken, request)).toMatchObject({ outcome: 'deny', reasons: [{ policyId: 'broken' }] });
  });

  it('is a deny also where only a hypothesis cannot', () => {
    const text = `${permitAll}\n@id("broken") @reason("x") forbid (principal is Identity, action == Action::"issue", resource) when { (context.approvals.touch * 9223372036854775807) + context.approvals.touch > 5 };`;
    const set = PolicySet.load([{ name: 'a.cedar', text }]);
    expect(decide(set, ask(payments, 'payments:refund'))).toMatchObject({ outcome: 'deny' });
  });

  it.each<readonly [string, PolicyRequest]>([
    ['a number with a fraction', ask(crm, 'crm:read', { deadlineSeconds: 0.5 })],
    ['a time that is none', ask(crm, 'crm:read', { at: Number.NaN })],
    ['a lone surrogate', ask(crm, 'crm:read', { purpose: '\ud800' })],
    ['a list without end', ask(crm, 'crm:read', { findings: Array(1_025).fill('x') })],
    ['something of another type', ask(crm, 'crm:read', { depth: 'deep' as unknown as number })],
  ])('%s', (_name, request) => {
    expect(told(decide(set, request))).toBe('deny error');
  });
});

describe('an approver', () => {
  const mallory = { name: 'mallory', active: true, teams: [] };
  it.each([
    ['the owner, with a touch', approver, 'allow by owner-approves'],
    [
      'the owner, with a plain key under the agent’s uid',
      { ...approver, strength: 1 },
      'deny approver-is-not-the-agent',
    ],
    [
      'C2: the owner, with a plain key under a uid that is not known',
      { ...approver, strength: 1, uid: 'unknown' },
      'deny approver-is-not-the-agent',
    ],
    [
      'the owner, with a plain key under another uid',
      { ...approver, strength: 1, uid: 'other' },
      'allow by owner-approves',
    ],
    ['somebody else', { ...approver, human: mallory }, 'deny default'],
    ['an owner who has left', { ...approver, human: { ...approver.human, active: false } }, 'deny approver-is-here'],
    [
      'one of the team that owns it',
      { ...approver, subject: { ...approver.subject, owner: 'team:support' } },
      'allow by owner-approves',
    ],
    [
      'the owner of a grant',
      { ...approver, subject: { ...approver.subject, kind: 'grant' } },
      'allow by owner-approves',
    ],
    [
      'C1: one whose name looks like a team',
      {
        ...approver,
        human: { ...mallory, name: 'team:support' },
        subject: { ...approver.subject, owner: 'team:support' },
      },
      'deny default',
    ],
  ] as const)('%s', (_name, request, expected) => {
    expect(told(mayApprove(set, request))).toBe(expected);
  });
});

function rawRequest(_set: PolicySet, request: PolicyRequest) {
  return requestOf(prepare(request), request.context.intents[0] as string, countApprovals([]));
}
