// SPDX-License-Identifier: Apache-2.0
/** Grants for emergencies, over a real store and real ballots. The security keys are in software. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { LONGEST_BREAK_GLASS_MS } from '../../src/grants/asked.ts';
import { Grants } from '../../src/grants/grants.ts';
import type { PolicyDecision } from '../../src/policy/contract.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { grantRequest } from '../support/approval.ts';
import { AGENT, APART, ballotWorld } from '../support/ballot-world.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const SK = 'sk-ssh-ed25519@openssh.com';
const HOUR = 3_600_000;
const top = tempDir('break-glass');
const ALLOW: PolicyDecision = { policyHash: 'cd'.repeat(32), outcome: 'allow', by: [] };
const because = [{ policyId: 'high-impact-needs-human', reason: 'high impact' }];
const THREE: PolicyDecision = {
  ...{ policyHash: 'cd'.repeat(32), outcome: 'approve', because },
  need: { count: 3, strength: 1, otherUid: true },
};
let count = 0;

async function world(says: PolicyDecision = ALLOW) {
  count += 1;
  const bed = await ballotWorld(join(top, `${count}`));
  const { store, ballots, registry, clock } = bed;
  for (const [at, name] of ['alice', 'bob'].entries()) await bed.join(name, 1_000 + at, SK);
  bed.rules.enrolment = { highest: 3, proof: 'stated' };
  const asks: string[] = [];
  const broken: string[] = [];
  const faults: { glass?: Error } = {};
  const start = (): Grants =>
    new Grants({
      ...{ store: store.grants, changes: store, approvals: ballots, registry, foresee: () => says },
      ask: (grant, identity, { need, because: policies }, human) => {
        asks.push(...policies.map(({ policyId }) => policyId));
        const request = grantRequest({
          ...{ id: grant.id, identity: grant.identity, owner: identity.owner, requestedBy: human },
          ...{ purpose: grant.purpose, from: grant.windowFrom, deadline: grant.windowTo, notAfter: grant.windowTo },
          ...{ needCount: need.count, needStrength: need.strength, needOtherUid: need.otherUid },
        });
        return { request, agent: APART };
      },
      glassBroken: async ({ id, state }) => {
        if (faults.glass !== undefined) throw faults.glass;
        broken.push(`${id} ${state}`);
      },
      ...{ ownersOf: () => APART, settings: { defaultTtlMs: HOUR / 3, mostTtlMs: HOUR } },
      ...{ clock, random: bed.rooms.random, log: silentLogger },
    });
  const grants = start();
  const asked = { identity: AGENT, intents: ['payments:refund'], purpose: 'all is down', from: 0 };
  const ask = (change: object = {}) =>
    grants.request({ ...asked, forMs: HOUR, maxTaskTtlMs: 0, maxTasks: 0, breakGlass: true, ...change }, 'uid:0', null);
  const cast = (id: string, name: string, flags = 5) => bed.cast(name, ballots.state(id)!.request, {}, { flags });
  const settles = (id: string, state: string) => bed.later(0, () => store.grants.get(id)?.state === state);
  const close = async () => {
    grants.close();
    await bed.close();
  };
  return { ...bed, grants, start, ask, cast, settles, asks, broken, faults, close };
}

describe('a grant for an emergency', () => {
  it('C3: is signed by two people whom their keys knew, whatever policy asks for; before it is active a finding opens', async () => {
    const w = await world();
    const { id, breakGlass } = await w.ask();
    expect([breakGlass, w.asks]).toEqual([true, ['break-glass']]);
    expect(w.ballots.state(id)?.request).toMatchObject({ needCount: 2, needStrength: 3 });
    expect((await refusalOfAsync(() => w.cast(id, 'alice', 1))).message).toContain('its strength is 2, not 3');
    await w.cast(id, 'alice');
    expect([w.store.grants.get(id)?.state, w.broken]).toEqual(['pending', []]);
    await w.cast(id, 'bob');
    expect(await w.settles(id, 'active')).toBe(true);
    expect(w.broken).toEqual([`${id} pending`]);
    expect(w.store.grants.get(id)).toMatchObject({ breakGlass: true });
    await w.close();
  });

  it('C3: asks for as many as policy does where that is more', async () => {
    const w = await world(THREE);
    const { id } = await w.ask();
    expect(w.ballots.state(id)?.request).toMatchObject({ needCount: 3, needStrength: 3, needOtherUid: true });
    expect(w.asks).toEqual(['high-impact-needs-human', 'break-glass']);
    await w.close();
  });

  it('C1: is not active where nobody could be told to look at it, and is once they can', async () => {
    const w = await world();
    w.faults.glass = new Error('the disk is full');
    const { id } = await w.ask();
    await w.cast(id, 'alice');
    await w.cast(id, 'bob');
    expect(await w.settles(id, 'active')).toBe(false);
    delete w.faults.glass;
    const next = w.start();
    await next.settle();
    expect([w.store.grants.get(id)?.state, w.broken]).toEqual(['active', [`${id} pending`]]);
    next.close();
    await w.close();
  });

  it('I5: is open for an hour at most', async () => {
    const w = await world();
    const refused = await refusalOfAsync(() => w.ask({ forMs: LONGEST_BREAK_GLASS_MS + 1 }));
    expect([refused.reason, refused.field]).toEqual(['GRANT_INVALID', 'for']);
    expect((await w.ask({ breakGlass: false, forMs: 2 * HOUR })).breakGlass).toBe(false);
    await w.close();
  });
});
