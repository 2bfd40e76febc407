// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { refuseUnfit } from '../../src/approvals/statement.ts';
import { type AskingFacts, requestForTask, taskApprovals } from '../../src/daemon/task-approvals.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { PolicyTarget } from '../../src/policy/contract.ts';
import { APART, ballotWorld, pendingTask } from '../support/ballot-world.ts';
import { madeUpProcess } from '../support/door.ts';
import { tempDir } from '../support/temp-dir.ts';

const NOW = Date.UTC(2030, 0, 1);
const dir = tempDir('task-approvals');
const NEED = {
  policyHash: 'cd'.repeat(32),
  outcome: 'approve',
  need: { count: 2, strength: 2, otherUid: true },
  because: [
    { policyId: 'z', reason: 'z' },
    { policyId: 'high-impact', reason: 'high impact' },
    { policyId: 'high-impact', reason: 'high impact' },
  ],
} as const;

const target = (name: string, change: Partial<PolicyTarget> = {}): PolicyTarget => ({
  ...{ name, owner: 'team:payments', environment: 'production', impact: 'high', intents: ['read', 'refund'] },
  ...{ thirdParty: false, reviewBy: null, expiresAt: NOW * 2, retired: false },
  ...change,
});
const attested = {
  facts: '{}',
  selectors: ['unix:uid:2000', 'unix:gid:2000'],
  claimed: ['unix:path:/usr/bin/node', `unix:sha256:${'ab'.repeat(32)}`],
  secrets: 'found',
};
const task = {
  ...pendingTask('01jdqw3h5v8z9k2m4n6p7r8s9t', NOW),
  attested: JSON.stringify(attested),
  intents: [
    { target: 'payments', action: 'refund', resource: 'ticket 4711' },
    { target: 'crm', action: 'read', resource: null },
    { target: 'payments', action: 'read', resource: null },
  ],
};
const facts: AskingFacts = {
  targets: { get: (name) => target(name, name === 'crm' ? { environment: '', impact: 'low' } : {}) },
  owner: 'human:alice',
  findings: ['new-binary', 'human-use', 'new-binary'],
  trustDomain: 'example.org',
  log: 'example.org/log/1',
  notAfter: NOW + 900_000,
  random: systemRandom,
};

describe('a task that waits, as people are shown it', () => {
  it('C4: says all that the decision rests on, in a form that can be signed', () => {
    const request = requestForTask(task, NEED, facts);
    refuseUnfit(request);
    expect(request).toMatchObject({
      ...{ kind: 'task', id: task.id, identity: task.identity, purpose: task.purpose, deadline: task.deadline },
      ...{ uid: 2_000, pid: 4_242, started: 987_654, executable: '/usr/bin/node', sha256: 'ab'.repeat(32) },
      ...{ selectors: ['unix:gid:2000', 'unix:uid:2000'], secrets: 'found', findings: ['human-use', 'new-binary'] },
      ...{ owner: 'human:alice', needCount: 2, needStrength: 2, needOtherUid: true, because: ['high-impact', 'z'] },
      ...{ policyHash: 'cd'.repeat(32), trustDomain: 'example.org', log: 'example.org/log/1', notAfter: NOW + 900_000 },
      targets: [
        { name: 'crm', environment: null, impact: 'low', intents: ['crm:read'] },
        {
          ...{ name: 'payments', owner: 'team:payments', environment: 'production', impact: 'high' },
          intents: ['payments:read', 'payments:refund=ticket 4711'],
        },
      ],
    });
  });

  it('C4: has another nonce each time, and is not asked beyond its own end', () => {
    const [one, other] = [requestForTask(task, NEED, facts), requestForTask(task, NEED, facts)];
    expect(one.nonce).toMatch(/^[\w-]{22}$/);
    expect(one.nonce).not.toBe(other.nonce);
    expect(requestForTask({ ...task, deadline: NOW + 5 }, NEED, facts).notAfter).toBe(NOW + 5);
  });

  it('C3: says of which target something is asked that cannot be taken back', () => {
    const toldOf = (irrevocable: readonly string[]) => {
      const targets = { get: (name: string) => target(name, { irrevocable }) };
      return requestForTask(task, NEED, { ...facts, targets }).targets.map((one) => [one.name, one.irrevocable]);
    };
    expect(toldOf(['refund'])).toEqual([
      ['crm', false],
      ['payments', true],
    ]);
    expect(toldOf(['payout'])).toEqual([
      ['crm', false],
      ['payments', false],
    ]);
  });

  it('A1: claims no program where several are claimed, and asks nobody about a target that has gone', () => {
    const several = { ...attested, claimed: ['unix:path:/a', 'unix:path:/b'] };
    const request = requestForTask({ ...task, attested: JSON.stringify(several) }, NEED, facts);
    expect([request.executable, request.sha256]).toEqual([null, null]);
    expect(() => requestForTask(task, NEED, { ...facts, targets: { get: () => undefined } })).toThrow('no target crm');
  });
});

describe('what a task hears of people', () => {
  it('C4: nothing until enough of them approved, then those who did; of a rejection its reason', async () => {
    const w = await ballotWorld(dir);
    try {
      await w.join('alice', 1_000);
      await w.join('bob', 1_001);
      const one = { ...NEED, need: { count: 2, strength: 1, otherUid: true } } as const;
      const ask = (id: string, decision: Parameters<typeof requestForTask>[1]) => ({
        request: requestForTask({ ...task, id }, decision, { ...facts, notAfter: w.clock.now() + 900_000 }),
        agent: APART,
      });
      const people = taskApprovals(w.ballots, ({ id }, decision) => ask(id, decision));
      const heard: unknown[] = [];
      people.onVoice((...said) => void heard.push(said));
      for (const id of ['01jdqw3h5v8z9k2m4n6p7r8s9t', '01jdqw3h5v8z9k2m4n6p7r8s9u']) {
        const waits = pendingTask(id, w.clock.now());
        await w.store.tasks.create(waits, 1, waits.identity);
        await people.open(waits, one, madeUpProcess());
      }
      const requestOf = (id: string) => w.ballots.state(id)!.request;
      await w.cast('alice', requestOf(task.id));
      expect([heard, people.countedFor(task.id), people.countedFor('none')]).toEqual([[], [], []]);
      await w.cast('bob', requestOf(task.id));
      expect(people.countedFor(task.id)).toEqual([
        { human: 'alice', strength: 1, uid: 'other' },
        { human: 'bob', strength: 1, uid: 'other' },
      ]);
      const other = requestOf('01jdqw3h5v8z9k2m4n6p7r8s9u');
      await w.cast('bob', other, { decision: 'reject', reason: 'too broad' });
      expect(heard).toEqual([[task.id], [other.id, { kind: 'rejected', reason: 'rejected by bob: too broad' }]]);
      expect(people.countedFor(other.id)).toEqual([]);
    } finally {
      await w.close();
    }
  });
});
