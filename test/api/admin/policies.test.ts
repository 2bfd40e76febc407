// SPDX-License-Identifier: Apache-2.0
/** Policies and targets over the wire, on a real store. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SITE } from '../../policy/support.ts';
import { type AdminBench, adminBench, ROOT } from '../../support/admin-bench.ts';
import { tempDir } from '../../support/temp-dir.ts';

const dir = tempDir('admin-policies');
const REGISTRAR = { uid: 1001, pid: 8, sameNamespaces: true };
const BOT = 'spiffe://example.org/agent/support-bot';
let bench: AdminBench;

const payments = {
  name: 'payments',
  owner: '',
  environment: 'prod',
  impact: 'high',
  intents: ['payments:refund'],
  audiences: ['pay'],
};
const why = (more: object = {}) =>
  bench.call('ExplainDecision', {
    request: JSON.stringify({ principal: BOT, target: 'payments', intents: ['payments:refund'], ...more }),
  });

beforeAll(async () => {
  bench = await adminBench(dir, { roles: [{ role: 'registrar', uid: 1001, spiffeIdPrefix: 'spiffe://example.org/' }] });
  bench.caller = ROOT;
  await bench.call('CreateIdentity', { spiffe_id: BOT, kind: 'agent', purpose: 'support', environment: 'prod' });
});
beforeEach(() => {
  bench.caller = ROOT;
});
afterAll(() => bench.close());

describe('targets', () => {
  it('are put, listed page by page, shown and retired', async () => {
    const { target } = await bench.call('PutTarget', { target: payments });
    expect(target).toMatchObject({
      name: 'payments',
      owner: 'uid:0',
      impact: 'high',
      intents: ['payments:refund'],
      audiences: ['pay'],
      orphaned: false,
      revision: 1,
    });
    await bench.call('PutTarget', { target: { ...payments, name: 'old', audiences: [] } });
    const { target: gone } = await bench.call('RetireTarget', { name: 'old', reason: 'replaced' });
    expect(gone).toMatchObject({ retire_reason: 'replaced', retired_by: 'uid:0' });
    const first = await bench.call('ListTargets', { page_size: 1 });
    expect([first.targets[0].name, first.next_page_token]).toEqual(['old', 'old']);
    const rest = await bench.call('ListTargets', { page_size: 1, page_token: 'old' });
    expect([rest.targets[0].name, rest.next_page_token]).toEqual(['payments', '']);
    expect((await bench.refused('ListTargets', { name: 'nothing' })).reason).toBe('TARGET_NOT_FOUND');
    expect((await bench.refused('PutTarget', {})).reason).toBe('TARGET_INVALID');
    expect((await bench.refused('PutTarget', { target: { ...payments, third_party: true } })).field).toBe('review_by');
  });

  it('C1: and policies are read by a registrar, and changed by nobody but the administrator', async () => {
    bench.caller = REGISTRAR;
    expect((await bench.call('ListTargets')).targets).toHaveLength(2);
    expect((await bench.call('ListPolicies')).sets).toEqual([]);
    expect((await why()).outcome).toBe('deny');
    for (const [rpc, request] of [
      ['PutTarget', { target: payments }],
      ['RetireTarget', { name: 'payments', reason: 'x' }],
      ['ApplyPolicy', { files: SITE }],
      ['ShadowPolicy', { files: SITE }],
      ['RollbackPolicy', {}],
    ] as const)
      expect((await bench.refused(rpc, request)).reason).toBe('WRITE_NOT_ALLOWED');
  });
});

describe('policies', () => {
  it('deny while there are none', async () => {
    expect(await why()).toMatchObject({
      outcome: 'deny',
      reasons: [{ policy_id: 'default', reason: 'no policies are loaded' }],
    });
    expect((await bench.refused('GetPolicy')).reason).toBe('POLICY_NOT_FOUND');
  });

  it('are tried, applied, shown and taken back', async () => {
    const { set } = await bench.call('ShadowPolicy', { files: SITE });
    expect(set).toMatchObject({ mode: 'shadow', loaded_by: 'uid:0' });
    expect((await why()).outcome).toBe('deny');
    // A question of an operator is not counted.
    expect((await bench.call('ListPolicies')).tally).toMatchObject({ compared: 0 });
    await bench.call('ShadowPolicy', { end: true });
    expect((await bench.refused('ShadowPolicy', { end: true })).reason).toBe('POLICY_NO_SHADOW');
    const { set: live } = await bench.call('ApplyPolicy', { files: SITE });
    expect(live.hash).toBe(set.hash);
    expect((await bench.call('GetPolicy')).files).toEqual(SITE);
    await bench.call('ApplyPolicy', { files: [SITE[0]] });
    expect((await bench.refused('ApplyPolicy', { files: [SITE[0]] })).reason).toBe('POLICY_IS_LIVE');
    expect((await bench.call('RollbackPolicy')).set.hash).toBe(live.hash);
    expect((await bench.call('ListPolicies')).sets.map((one: { mode: string }) => one.mode).sort()).toEqual([
      'live',
      'past',
    ]);
    expect((await bench.refused('GetPolicy', { hash: 'x' })).reason).toBe('POLICY_NOT_FOUND');
  });

  it('that are wrong are refused with place and reason', async () => {
    const text = '@id("a") permit (principal is Identity, action == Action::"use", resource);';
    const refusal = await bench.refused('ApplyPolicy', { files: [{ name: 'a.cedar', text }] });
    expect([refusal.reason, refusal.message]).toEqual([
      'POLICY_INVALID',
      expect.stringMatching(/^a\.cedar:1: policy a has no @reason/),
    ]);
  });

  it('say what they would decide of an identity and a target that are registered', async () => {
    expect(await why()).toMatchObject({
      outcome: 'approve',
      need_count: 1,
      need_strength: 'touch',
      need_other_uid: false,
      reasons: [{ policy_id: 'high-impact-needs-human' }],
      assumed: expect.arrayContaining(['action: begin', 'uid_relation: unknown']),
    });
    expect(await why({ uid_relation: 'other' })).toMatchObject({ need_strength: 'key', need_other_uid: true });
    expect(await why({ approvals: [{ human: 'a', strength: 'touch' }] })).toMatchObject({
      outcome: 'allow',
      reasons: [{ policy_id: 'support-bot-refunds' }],
    });
    expect(await why({ depth: 9 })).toMatchObject({ outcome: 'deny', alone: [{ policy_id: 'depth' }] });
    await bench.call('SuspendIdentity', { spiffe_id: BOT, reason: 'x' });
    expect(await why()).toMatchObject({ outcome: 'deny', reasons: [{ policy_id: 'lifecycle' }] });
  });

  it.each([
    ['no JSON', '{', 'POLICY_REQUEST_INVALID'],
    [
      'of nobody',
      JSON.stringify({ principal: 'spiffe://example.org/none', target: 'payments' }),
      'POLICY_REQUEST_INVALID',
    ],
    ['I9: of no end', `"${'x'.repeat(262_144)}"`, 'POLICY_REQUEST_INVALID'],
  ])('are not asked with a request that is %s', async (_name, request, reason) => {
    const refusal = await bench.refused('ExplainDecision', { request });
    expect(refusal.reason).toBe(reason);
    if (_name.startsWith('I9')) expect(refusal.message).toContain('longer than 262144');
  });
});
