// SPDX-License-Identifier: Apache-2.0
/** How near an agent is to those who could approve, by a process that is there. */
import { spawn } from 'node:child_process';
import { afterAll, expect } from '@jest/globals';
import { nearestTo } from '../../src/daemon/approvals.ts';
import type { ApproverRequest, PolicyEngine } from '../../src/policy/contract.ts';
import type { HumanRecord } from '../../src/store/humans.ts';
import { madeUpProcess } from '../support/door.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { asRoot } from '../support/peers.ts';

const AGENT_UID = 41_711;
const agent = spawn('/bin/sleep', ['600'], { uid: AGENT_UID, gid: AGENT_UID, detached: true, stdio: 'ignore' });
afterAll(() => void agent.kill('SIGKILL'));

const policy: PolicyEngine = {
  policyHash: 'aa',
  decide: () => ({ policyHash: 'aa', outcome: 'deny', reasons: [] }),
  mayApprove: ({ human, subject }: ApproverRequest) =>
    subject.owner === `human:${human.name}`
      ? { policyHash: 'aa', outcome: 'allow', by: [] }
      : { policyHash: 'aa', outcome: 'deny', reasons: [] },
};
const human = (name: string, uids: readonly number[], change: Partial<HumanRecord> = {}): HumanRecord =>
  ({ name, uids, active: true, teams: [], keys: [{}], ...change }) as unknown as HumanRecord;

const nearest = (people: readonly HumanRecord[], engine: PolicyEngine | undefined = policy, owner = 'human:alice') => {
  const all = () => people;
  return nearestTo(madeUpProcess(agent.pid, AGENT_UID), owner, {
    registry: { people: { all } } as never,
    policy: () => engine,
    clock: new FakeClock(),
  });
};

asRoot('C2: is other only where somebody may approve whose keys it cannot reach', () => {
  expect(nearest([human('alice', [AGENT_UID + 1])])).toBe('other');
  expect(nearest([human('alice', [AGENT_UID])])).toBe('same');
  expect(nearest([human('alice', [])])).toBe('unknown');
  expect(nearest([])).toBe('unknown');
  // Whoever may not approve is nobody here.
  expect(nearest([human('bob', [AGENT_UID + 1])])).toBe('unknown');
  expect(nearest([human('alice', [AGENT_UID]), human('bob', [AGENT_UID + 1])])).toBe('same');
  expect(nearest([human('alice', [AGENT_UID + 1], { active: false })])).toBe('unknown');
  expect(nearest([human('alice', [AGENT_UID + 1], { keys: [] })])).toBe('unknown');
  expect(
    nearestTo(madeUpProcess(2 ** 22 + 5, 7), 'human:alice', {
      registry: { people: { all: () => [human('alice', [1])] } } as never,
      policy: () => policy,
      clock: new FakeClock(),
    }),
  ).toBe('unknown');
});
