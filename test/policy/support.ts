// SPDX-License-Identifier: Apache-2.0
/** The support bot of docs/policy.md, its targets, and requests that differ from one that is allowed in one thing. */
import type { ApproverRequest, PolicyContext, PolicyRequest, PolicyTarget } from '../../src/policy/contract.ts';
import type { PolicyFile } from '../../src/policy/files.ts';

export const NOW = Date.parse('2026-11-22T12:00:00Z');
const DAY = 86_400_000;

export const bot: PolicyRequest['principal'] = {
  spiffeId: 'spiffe://example.org/agent/support-bot',
  kind: 'agent',
  owner: 'human:alice',
  environment: 'prod',
  labels: new Map([['team', 'support-agents']]),
  state: 'active',
  expiresAt: NOW + 30 * DAY,
};

export const crm: PolicyTarget = {
  name: 'crm',
  owner: 'human:carol',
  environment: 'prod',
  impact: 'low',
  intents: ['crm:read', 'crm:write'],
  thirdParty: false,
  reviewBy: null,
  expiresAt: NOW + 300 * DAY,
  retired: false,
};

export const payments: PolicyTarget = {
  ...crm,
  name: 'payments',
  impact: 'high',
  intents: ['payments:refund', 'payments:payout'],
};

export const SITE: readonly PolicyFile[] = [
  {
    name: 'crm.cedar',
    text: `@id("support-bot-reads-crm")
@reason("support agents read the CRM, a quarter of an hour at a time")
permit (principal is Identity, action in [Action::"begin", Action::"issue", Action::"use"], resource == Target::"crm")
when { principal.hasTag("team") && principal.getTag("team") == "support-agents" }
when { context.intent like "crm:*" && context.seconds <= 900 };
`,
  },
  {
    name: 'payments.cedar',
    text: `@id("support-bot-refunds")
@reason("support agents refund")
permit (principal is Identity, action in [Action::"begin", Action::"issue", Action::"use"], resource == Target::"payments")
when { principal.kind == "agent" && context.intent == "payments:refund" };
`,
  },
];

/** Under its human's uid, as agents usually are. */
export const context: PolicyContext = {
  at: NOW,
  intents: ['crm:read'],
  purpose: 'ticket 4711',
  depth: 0,
  deadlineSeconds: 900,
  attested: { selectors: ['unix:uid:1000'], claimed: ['unix:path:/usr/bin/bot'], secrets: 'none-seen' },
  approvals: [],
  findings: [],
  uidRelation: 'same',
  task: { id: '01J0000000000000000000TASK', identity: bot.spiffeId, state: 'active', intents: ['crm:read'] },
};

export function ask(
  target: PolicyTarget,
  intent: string,
  more: Partial<PolicyContext> = {},
  rest: Partial<PolicyRequest> = {},
): PolicyRequest {
  const task = { ...context.task, intents: [intent] } as NonNullable<PolicyContext['task']>;
  return {
    principal: bot,
    action: 'issue',
    target,
    ...rest,
    context: { ...context, intents: [intent], task, ...more },
  };
}

export const approver: ApproverRequest = {
  human: { name: 'alice', active: true, teams: ['support'] },
  subject: { kind: 'task', id: '01J0000000000000000000TASK', owner: 'human:alice' },
  at: NOW,
  strength: 2,
  uid: 'same',
};
