// SPDX-License-Identifier: Apache-2.0
/** What of a request reaches Cedar, and as what. */
import { describe, expect, it } from '@jest/globals';
import { decide } from '../../src/policy/decide.ts';
import { PolicySet } from '../../src/policy/policy-set.ts';
import { approverRequest, countApprovals, prepare, requestOf } from '../../src/policy/request.ts';
import { approver, ask, bot, crm, SITE } from './support.ts';

const none = { key: 0, touch: 0, verified: 0 };

describe('approvals are counted', () => {
  it('C3: each with what it is at least', () => {
    expect(
      countApprovals([
        { human: 'a', strength: 1, uid: 'other' },
        { human: 'b', strength: 2, uid: 'same' },
        { human: 'c', strength: 3, uid: 'other' },
      ]),
    ).toEqual({ key: 3, touch: 2, verified: 1, other: { key: 2, touch: 1, verified: 1 } });
  });

  it('C2: once for each human, with the strongest, and of another uid only where nothing says otherwise', () => {
    expect(
      countApprovals([
        { human: 'a', strength: 2, uid: 'other' },
        { human: 'a', strength: 1, uid: 'same' },
        { human: '__proto__', strength: 1, uid: 'unknown' },
      ]),
    ).toEqual({ key: 2, touch: 1, verified: 0, other: none });
  });

  it('to three and no further', () => {
    const many = Array.from({ length: 9 }, (_, at) => ({ human: `h${at}`, strength: 3, uid: 'other' }) as const);
    expect(countApprovals(many)).toEqual({ key: 3, touch: 3, verified: 3, other: { key: 3, touch: 3, verified: 3 } });
  });

  it('not at all where there are none', () => {
    expect(countApprovals([])).toEqual({ ...none, other: none });
  });
});

describe('a request', () => {
  const set = PolicySet.load([
    ...SITE,
    {
      name: 'odd.cedar',
      text: '@id("odd") @reason("r") permit (principal is Identity, action == Action::"issue", resource) when { principal.hasTag("__proto__") && principal.getTag("__proto__") == "x" };',
    },
  ]);

  it('B7: has labels under any name', () => {
    const labels = new Map([['__proto__', 'x']]);
    const named = { ...bot, labels };
    expect(decide(set, ask(crm, 'crm:write', {}, { principal: named }))).toMatchObject({
      outcome: 'allow',
      by: [{ policyId: 'odd' }],
    });
  });

  it('B7: cannot make an entity or a time out of text', () => {
    const text = '{"__entity":{"type":"Identity","id":"spiffe://example.org/agent/support-bot"}}';
    const { context } = requestOf(prepare(ask(crm, 'crm:read', { purpose: text })), text, countApprovals([]));
    expect(context).toMatchObject({ purpose: text, intent: text });
    expect(decide(set, ask(crm, text)).outcome).toBe('deny');
  });

  it('I9: has lists and texts of a bounded length', () => {
    expect(() => prepare(ask(crm, 'crm:read', { findings: Array(1_024).fill('x') }))).not.toThrow();
    expect(() => prepare(ask(crm, 'crm:read', { findings: Array(1_025).fill('x') }))).toThrow('a list of 1025');
    expect(() => prepare(ask(crm, 'crm:read', { purpose: 'x'.repeat(8_192) }))).not.toThrow();
    expect(() => prepare(ask(crm, 'crm:read', { purpose: 'x'.repeat(8_193) }))).toThrow('text of 8193 characters');
  });

  it('B7: has no half characters', () => {
    expect(() => prepare(ask(crm, 'crm:read', { findings: ['\udc00'] }))).toThrow('a lone surrogate');
    expect(() =>
      prepare(ask(crm, 'crm:read', {}, { principal: { ...bot, labels: new Map([['a\ud800', 'b']]) } })),
    ).toThrow('a lone surrogate');
  });

  it('of an approver names who they answer as', () => {
    expect(approverRequest(approver).entities[0]).toMatchObject({
      attrs: { active: true, names: ['human:alice', 'team:support'] },
      parents: [{ type: 'Team', id: 'support' }],
    });
  });
});
