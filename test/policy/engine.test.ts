// SPDX-License-Identifier: Apache-2.0
/** The set that decides, its replacement, and the shadow beside it. */
import { describe, expect, it } from '@jest/globals';
import { type Difference, LivePolicy } from '../../src/policy/engine.ts';
import { explain } from '../../src/policy/explain.ts';
import { policyHash } from '../../src/policy/files.ts';
import { PolicySet } from '../../src/policy/policy-set.ts';
import { approver, ask, bot, context, crm, payments, SITE } from './support.ts';

const site = PolicySet.load(SITE);
const bare = PolicySet.load([]);
const read = ask(crm, 'crm:read');

describe('the engine', () => {
  it('I8: denies all while there is no set', () => {
    const engine = new LivePolicy();
    expect(engine.decide(read)).toEqual({
      outcome: 'deny',
      reasons: [{ policyId: 'default', reason: 'no policies are loaded' }],
      policyHash: policyHash([]),
    });
    expect(engine.mayApprove(approver).outcome).toBe('deny');
  });

  it('decides with the set that was swapped in last', () => {
    const engine = new LivePolicy();
    engine.swap(site);
    expect(engine.decide(read)).toMatchObject({ outcome: 'allow', policyHash: site.hash });
    expect(engine.policyHash).toBe(site.hash);
    engine.swap(bare);
    expect(engine.decide(read)).toMatchObject({ outcome: 'deny', policyHash: bare.hash });
    expect(engine.mayApprove(approver).outcome).toBe('allow');
  });

  it('tells where a shadow would answer otherwise, and does not heed it', () => {
    const told: Difference[] = [];
    const engine = new LivePolicy((difference) => told.push(difference));
    engine.swap(site);
    engine.swapShadow(bare);
    expect(engine.decide(read).outcome).toBe('allow');
    expect(engine.decide(ask(crm, 'crm:drop')).outcome).toBe('deny');
    expect(engine.tally).toMatchObject({ compared: 2, differed: 1 });
    expect(told).toEqual([
      expect.objectContaining({
        principal: bot.spiffeId,
        action: 'issue',
        target: 'crm',
        intents: ['crm:read'],
        live: 'allow',
        shadow: expect.objectContaining({ outcome: 'deny' }),
      }),
    ]);
    engine.swapShadow(undefined);
    engine.decide(read);
    expect(engine.tally).toEqual({ compared: 0, differed: 0, differences: [] });
  });

  it('tells of a shadow that asks for other approvals', () => {
    const engine = new LivePolicy();
    engine.swap(site);
    engine.swapShadow(
      PolicySet.load([
        ...SITE,
        {
          name: 'two.cedar',
          text: '@id("two") @reason("r") forbid (principal is Identity, action, resource is Target) unless { context.approvals.touch >= 2 };',
        },
      ]),
    );
    engine.decide(ask(payments, 'payments:refund'));
    expect(engine.tally.differences[0]?.shadow).toMatchObject({ outcome: 'approve', need: { count: 2, strength: 2 } });
  });

  it('I9: keeps the latest hundred differences', () => {
    const engine = new LivePolicy();
    engine.swapShadow(site);
    for (let i = 0; i < 105; i++) engine.decide(ask(crm, 'crm:read', { at: context.at + i }));
    expect(engine.tally).toMatchObject({ compared: 105, differed: 105 });
    expect(engine.tally.differences).toHaveLength(100);
    expect(engine.tally.differences[0]?.at).toBe(context.at + 5);
  });
});

describe('an explanation', () => {
  it('names the policy that alone stands in the way', () => {
    const { decision, alone } = explain(site, ask(crm, 'crm:read', {}, { principal: { ...bot, state: 'suspended' } }));
    expect(decision.outcome).toBe('deny');
    expect(alone.map(({ policyId }) => policyId)).toEqual(['lifecycle']);
  });

  it('names none where two stand in the way, or no permit is there', () => {
    const both = ask({ ...crm, environment: 'test' }, 'crm:read', {}, { principal: { ...bot, state: 'suspended' } });
    expect(explain(site, both).alone).toEqual([]);
    expect(explain(bare, read).alone).toEqual([]);
  });

  it('I9: asks no more when its time is over, and names none that it did not ask about', () => {
    const suspended = ask(crm, 'crm:read', {}, { principal: { ...bot, state: 'suspended' } });
    const times = [0, 251];
    expect(explain(site, suspended, () => times.shift() ?? 251).alone).toEqual([]);
    expect(explain(site, suspended, () => 250).alone).toHaveLength(1);
  });

  it('of what is allowed has nothing to add', () => {
    expect(explain(site, read)).toMatchObject({ decision: { outcome: 'allow' }, alone: [] });
  });
});
