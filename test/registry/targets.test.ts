// SPDX-License-Identifier: Apache-2.0
/** Targets on a real store: what may be registered, by whom it is answered for, and what policies see. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type NewTarget, Targets } from '../../src/registry/targets.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('registry-targets');
const DAY = 86_400_000;
let count = 0;
let w: Awaited<ReturnType<typeof world>>;

async function world() {
  count += 1;
  const dataDir = `${top}/${count}`;
  const clock = new FakeClock();
  const rooms = await lone({ dataDir, clock });
  await rooms.registry.people.add({ name: 'alice', uids: [], teams: ['crm'] }, OPERATOR);
  return { ...rooms, dataDir, clock, targets: rooms.registry.targets };
}

const crm: NewTarget = {
  name: 'crm',
  owner: 'human:alice',
  environment: 'prod',
  impact: 'low',
  intents: ['crm:write', 'crm:read', 'crm:read'],
  audiences: ['https://crm.example.org/'],
  thirdParty: false,
};

beforeEach(async () => {
  w = await world();
});
afterEach(() => w.close());

const refused = async (change: Partial<NewTarget>) => {
  const { reason, field } = await refusalOfAsync(() => w.targets.put({ ...crm, ...change }, OPERATOR));
  return `${reason} ${field}`;
};

describe('a target', () => {
  it('is kept, also over a restart, and written anew as a whole', async () => {
    const now = w.clock.now();
    const first = await w.targets.put(crm, OPERATOR);
    expect(first).toMatchObject({
      intents: ['crm:read', 'crm:write'],
      reviewBy: null,
      expiresAt: now + 365 * DAY,
      createdBy: 'uid:0',
      revision: 1,
    });
    w.clock.advance(1_000);
    const { owner: _owner, ...ownerless } = crm;
    const second = await w.targets.put({ ...ownerless, impact: 'high', audiences: [] }, OPERATOR);
    expect(second).toMatchObject({ owner: 'uid:0', impact: 'high', audiences: [], createdAt: now, revision: 2 });
    await w.close();
    const again = await lone({ dataDir: w.dataDir, clock: w.clock });
    expect(again.registry.targets.all()).toEqual([second]);
    await again.close();
    w = await world();
  });

  it('C1: is answered for by somebody who is here, and denied to everybody once they have left', async () => {
    expect(await refused({ owner: 'human:bob' })).toBe('OWNER_GONE owner');
    expect(await refused({ owner: 'Human:alice' })).toBe('OWNER_INVALID owner');
    await w.targets.put(crm, OPERATOR);
    await w.targets.put({ ...crm, name: 'wiki', owner: 'team:crm', audiences: [] }, OPERATOR);
    expect(w.targets.forPolicy('crm')).toMatchObject({ retired: false });
    await w.registry.people.leave('alice', 'gone', OPERATOR);
    expect(['crm', 'wiki'].map((name) => w.targets.forPolicy(name)?.retired)).toEqual([true, true]);
    expect(w.targets.isOrphaned(w.targets.get('crm')!)).toBe(true);
    await w.targets.put({ ...crm, owner: 'uid:0' }, OPERATOR);
    expect(w.targets.forPolicy('crm')).toMatchObject({ retired: false });
  });

  it('C3: says which of its intents cannot be taken back, and none that it does not have', async () => {
    const target = await w.targets.put({ ...crm, irrevocable: ['crm:write'] }, OPERATOR);
    expect(target.irrevocable).toEqual(['crm:write']);
    expect(w.targets.forPolicy('crm')).toMatchObject({ irrevocable: ['crm:write'] });
    expect(w.store.targets.load()).toEqual([target]);
    expect(await refused({ irrevocable: ['crm:wipe'] })).toBe('TARGET_INVALID irrevocable');
    expect((await w.targets.put(crm, OPERATOR)).irrevocable).toEqual([]);
  });

  it('C1: is retired for good', async () => {
    await w.targets.put(crm, OPERATOR);
    const target = await w.targets.retire('crm', 'replaced', OPERATOR);
    expect(target).toMatchObject({ retiredAt: w.clock.now(), retiredBy: 'uid:0', retireReason: 'replaced' });
    expect(w.targets.forPolicy('crm')).toMatchObject({ retired: true });
    expect(await refused({})).toBe('TARGET_RETIRED name');
    expect((await refusalOfAsync(() => w.targets.retire('crm', 'again', OPERATOR))).reason).toBe('TARGET_RETIRED');
    expect((await refusalOfAsync(() => w.targets.retire('other', 'x', OPERATOR))).reason).toBe('TARGET_NOT_FOUND');
    await w.targets.put({ ...crm, name: 'crm2' }, OPERATOR);
  });

  it('C1: of a third party is looked at again by a day that is set', async () => {
    const { clock } = w;
    expect(await refused({ thirdParty: true })).toBe('REVIEW_REQUIRED review_by');
    expect(await refused({ reviewBy: clock.now() + DAY })).toBe('TARGET_INVALID review_by');
    expect(await refused({ thirdParty: true, reviewBy: clock.now() })).toBe('EXPIRY_INVALID review_by');
    expect(await refused({ thirdParty: true, reviewBy: clock.now() + 365 * DAY + 1 })).toBe('TARGET_INVALID review_by');
    const target = await w.targets.put({ ...crm, thirdParty: true, reviewBy: clock.now() + 365 * DAY }, OPERATOR);
    expect(w.targets.forPolicy('crm')).toMatchObject({ thirdParty: true, reviewBy: target.reviewBy });
  });

  it.each<readonly [string, Partial<NewTarget>, string]>([
    ['B7: without a name', { name: '' }, 'TARGET_INVALID name'],
    ['B7: with a name that is no name', { name: '../crm' }, 'TARGET_INVALID name'],
    ['with an impact between', { impact: 'medium' }, 'TARGET_INVALID impact'],
    ['without an environment', { environment: '' }, 'TEXT_INVALID env'],
    ['C4: with an environment that repaints', { environment: 'a\u001b[2J' }, 'TEXT_INVALID env'],
    ['without intents', { intents: [] }, 'TARGET_INVALID intent'],
    ['B7: with an intent of two words', { intents: ['read write'] }, 'TARGET_INVALID intent'],
    ['B7: with an intent that a pattern would take', { intents: ['crm:*'] }, 'TARGET_INVALID intent'],
    [
      'I9: with too many intents',
      { intents: Array.from({ length: 257 }, (_, at) => `a${at}`) },
      'LIMIT_REACHED intents',
    ],
    ['B7: with an audience of two words', { audiences: ['a b'] }, 'TARGET_INVALID audience'],
    [
      'I9: with too many audiences',
      { audiences: Array.from({ length: 33 }, (_, at) => `a${at}`) },
      'LIMIT_REACHED audiences',
    ],
    ['of the past', { expiresAt: 1 }, 'EXPIRY_INVALID expires'],
    ['I9: for ever', { expiresAt: Date.UTC(9000, 0, 1) }, 'TARGET_INVALID expires'],
  ])('%s is refused', async (_name, change, expected) => {
    expect(await refused(change)).toBe(expected);
  });

  it('I9: is one of so many', async () => {
    const few = new Targets(w.store.targets, w.registry.people, w.clock, 1);
    const forget = w.store.onChanges((changes) => {
      for (const change of changes) if (change.kind === 'target') few.apply(change);
    });
    await few.put(crm, OPERATOR);
    await few.put(crm, OPERATOR);
    expect((await refusalOfAsync(() => few.put({ ...crm, name: 'b', audiences: [] }, OPERATOR))).message).toContain(
      '2 targets',
    );
    forget();
  });
});
