// SPDX-License-Identifier: Apache-2.0
/** Grants over a real store and real ballots, signed with real keys; policy and processes are the test's. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { LONGEST_WINDOW_MS } from '../../src/grants/asked.ts';
import { Grants } from '../../src/grants/grants.ts';
import type { ProcessHandle } from '../../src/peer/process-handle.ts';
import type { PolicyDecision } from '../../src/policy/contract.ts';
import { parseIntents } from '../../src/tasks/request.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { grantRequest } from '../support/approval.ts';
import { AGENT, APART, ballotWorld } from '../support/ballot-world.ts';
import { OPERATOR } from '../support/lone.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('grants-room');
const HOUR = 3_600_000;
const ALLOW: PolicyDecision = { policyHash: 'cd'.repeat(32), outcome: 'allow', by: [] };
const TWO: PolicyDecision = {
  ...ALLOW,
  outcome: 'approve',
  need: { count: 2, strength: 1, otherUid: false },
  because: [],
};
let count = 0;

async function world(says: PolicyDecision = ALLOW) {
  count += 1;
  const bed = await ballotWorld(join(top, `${count}`));
  const { store, ballots, registry, clock } = bed;
  await bed.join('alice', 1_000);
  await bed.join('bob', 1_001);
  const started = new Map<ProcessHandle, typeof APART>();
  const limits: { endsAt?: number } = {};
  const start = (): Grants =>
    new Grants({
      store: store.grants,
      changes: store,
      approvals: ballots,
      registry: {
        identity: (id) => {
          const one = registry.identity(id);
          return one === undefined ? one : { ...one, expiresAt: limits.endsAt ?? one.expiresAt };
        },
      },
      foresee: () => says,
      ask: (grant, identity, { need }, human) => ({
        request: grantRequest({
          ...{ id: grant.id, identity: grant.identity, owner: identity.owner, requestedBy: human },
          ...{ purpose: grant.purpose, from: grant.windowFrom, deadline: grant.windowTo, notAfter: grant.windowTo },
          ...{ needCount: need.count, needStrength: need.strength, needOtherUid: need.otherUid },
        }),
        agent: APART,
      }),
      glassBroken: () => Promise.reject(new Error('none of these is an emergency')),
      ownersOf: (process) => started.get(process) ?? APART,
      settings: { defaultTtlMs: HOUR / 3, mostTtlMs: HOUR },
      clock,
      random: bed.rooms.random,
      log: silentLogger,
    });
  const grants = start();
  const asked = { identity: AGENT, intents: ['payments:refund'], purpose: 'shift', from: 0, forMs: 8 * HOUR };
  const ask = (change: object = {}, human: string | null = null) =>
    grants.request({ ...asked, maxTaskTtlMs: 0, maxTasks: 0, ...change }, 'uid:0', human);
  const stateOf = (id: string) => store.grants.get(id)?.state;
  const settles = (id: string, state: string) => bed.later(0, () => stateOf(id) === state);
  const sign = async (id: string, ...names: string[]) => {
    const { request } = ballots.state(id) as { request: Parameters<typeof bed.cast>[1] };
    for (const name of names) await bed.cast(name, request);
  };
  const active = async (change: object = {}) => {
    const { id } = await ask(change);
    await sign(id, 'alice');
    expect(await settles(id, 'active')).toBe(true);
    return id;
  };
  const process = {} as ProcessHandle;
  const draw = (id: string, change: object = {}, of = AGENT, by = process) =>
    grants.forTask(
      by,
      {
        identity: '',
        parent: '',
        grant: id,
        purpose: 'p',
        intents: parseIntents(['payments:refund']),
        ttlMs: 60_000,
        ...change,
      },
      of,
    );
  const why = (run: () => unknown) => refusalOf(run).message.split(': ').at(-1);
  const close = async () => {
    grants.close();
    await bed.close();
  };
  return { ...bed, limits, grants, start, started, ask, sign, active, draw, why, stateOf, settles, process, close };
}

describe('asking for a grant', () => {
  it('asks people, and what they say decides', async () => {
    const { ask, sign, cast, ballots, settles, stateOf, close } = await world();
    const one = await ask();
    expect(one).toMatchObject({ state: 'pending', used: 0, maxTasks: 10, maxTaskTtlMs: HOUR / 3 });
    await sign(one.id, 'alice');
    expect(await settles(one.id, 'active')).toBe(true);
    const two = await ask();
    await cast('bob', ballots.state(two.id)?.request as never, { decision: 'reject', reason: 'no' });
    expect(await settles(two.id, 'denied')).toBe(true);
    expect(stateOf(one.id)).toBe('active');
    await close();
  });

  it('C1: is refused where policy would begin no such task, and is never approved by who asks', async () => {
    const no: PolicyDecision = { ...ALLOW, outcome: 'deny', reasons: [{ policyId: 'x', reason: 'never' }] };
    const denied = await world(no);
    expect((await refusalOfAsync(() => denied.ask())).reason).toBe('GRANT_DENIED');
    expect(denied.store.grants.open()).toEqual([]);
    await denied.close();
    const { ask, sign, stateOf, close } = await world();
    const { id } = await ask({}, 'alice');
    expect((await refusalOfAsync(() => sign(id, 'alice'))).reason).toBe('VOTE_COUNTS_NOTHING');
    expect(stateOf(id)).toBe('pending');
    await close();
  });

  it('I5: is refused where it is too long, too far ahead, or longer than the identity', async () => {
    const { ask, limits, clock, close } = await world();
    const refused = async (change: object) => {
      const { reason, field } = await refusalOfAsync(() => ask(change));
      return `${reason} ${field}`;
    };
    expect(await refused({ forMs: LONGEST_WINDOW_MS + 1 })).toBe('GRANT_INVALID for');
    expect(await refused({ from: clock.now() - 1 })).toBe('GRANT_INVALID from');
    expect(await refused({ maxTaskTtlMs: HOUR + 1 })).toBe('GRANT_INVALID max-task-ttl');
    expect(await refused({ maxTasks: 1.5 })).toBe('GRANT_INVALID max-tasks');
    expect(await refused({ identity: `${AGENT}/none` })).toBe('GRANT_INVALID identity');
    limits.endsAt = clock.now() + HOUR;
    expect(await refused({})).toBe('GRANT_INVALID for');
    await close();
  });
});

describe('drawing on a grant', () => {
  it('gives what was signed: the identity, its intents, so long, within the window', async () => {
    const { active, draw, why, grants, process, clock, close } = await world();
    const from = clock.now() + HOUR;
    const id = await active({ from });
    expect(why(() => draw(id))).toBe('this is not within its window');
    await clock.advance(HOUR);
    expect(draw(id).id).toBe(id);
    expect(grants.approvalsFor(id, process)).toEqual([{ human: 'alice', strength: 1, uid: 'other' }]);
    expect(why(() => draw(id, {}, `${AGENT}/b`))).toBe(`there is none of ${AGENT}/b`.split(': ').at(-1));
    expect(why(() => draw('nothing'))).toContain('there is none of');
    expect(why(() => draw(id, { intents: parseIntents(['payments:read']) }))).toBe('an intent is not among its own');
    expect(why(() => draw(id, { ttlMs: HOUR / 3 + 1 }))).toBe('a task under it lasts 1200 s at most');
    await close();
  });

  it('C2: judges who approved anew by the process that draws, and remembers as whom that was started', async () => {
    const { active, draw, why, grants, started, close } = await world();
    const id = await active();
    const near = {} as ProcessHandle;
    started.set(near, { uids: [1_000], gids: [1_000] });
    expect(why(() => draw(id, {}, AGENT, near))).toBe('those who approved it are no longer enough');
    const apart = {} as ProcessHandle;
    draw(id, {}, AGENT, apart);
    started.set(apart, { uids: [0], gids: [0] });
    expect(grants.approvalsFor(id, apart)).toHaveLength(1);
    await close();
  });

  it('C4: less than what was asked for is nothing', async () => {
    const { ask, sign, settles, registry, grants, process, keys, close } = await world(TWO);
    const { id } = await ask();
    await sign(id, 'alice');
    expect(grants.approvalsFor(id, process)).toEqual([]);
    await sign(id, 'bob');
    expect(await settles(id, 'active')).toBe(true);
    expect(grants.approvalsFor(id, process)).toHaveLength(2);
    expect(keys.size).toBe(2);
    const [key] = registry.people.get('bob')?.keys ?? [];
    await registry.people.removeKey('bob', key?.fingerprint as string, OPERATOR);
    expect(grants.approvalsFor(id, process)).toEqual([]);
    expect(await settles(id, 'revoked')).toBe(true);
    await close();
  });
});

describe('the end of a grant', () => {
  it('I7: comes with its window; one that nobody answered is denied', async () => {
    const { ask, active, later, stateOf, draw, why, close } = await world();
    const id = await active();
    const unheard = await ask();
    expect(await later(8 * HOUR + 60_000, () => stateOf(id) === 'expired' && stateOf(unheard.id) === 'denied')).toBe(
      true,
    );
    expect(why(() => draw(id))).toBe('it is expired');
    await close();
  });

  it('comes when it is taken back, and then nobody is asked any more', async () => {
    const { ask, grants, ballots, stateOf, close } = await world();
    const { id } = await ask();
    await grants.revoke(id, 'not needed', 'uid:0');
    expect([stateOf(id), ballots.state(id)?.state]).toEqual(['denied', 'withdrawn']);
    await close();
  });

  it('what a daemon left between two steps is settled by the next', async () => {
    const { ask, sign, grants, start, stateOf, store, clock, close } = await world();
    const { id } = await ask();
    const asked = store.grants.get(id);
    grants.close();
    await sign(id, 'alice');
    await store.grants.create({ ...(asked as NonNullable<typeof asked>), id: 'left', state: 'requested' }, 'uid:0');
    expect(stateOf(id)).toBe('pending');
    const next = start();
    await next.settle();
    expect([stateOf(id), stateOf('left')]).toEqual(['active', 'denied']);
    next.close();
    await clock.advance(0);
    await close();
  });
});
