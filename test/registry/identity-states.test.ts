// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { refusalOfAsync } from '../support/refusal.ts';
import { callerWith, DAY, HOUR, OPERATOR, openRoom, type Room } from './rooms.ts';

const ID = 'spiffe://td/a';
const CALLER = callerWith('unix:uid:1000');

async function withIdentity(expiresAfter = DAY): Promise<Room> {
  const room = await openRoom();
  const identity = { expiresAt: room.clock.now() + expiresAfter };
  await room.registry.createEntry({ spiffeId: ID, selectors: ['unix:uid:1000'], identity }, OPERATOR);
  return room;
}

const answer = ({ registry, clock }: Room) => {
  const { grants, refused } = registry.match(CALLER, clock.now());
  return grants.length > 0 ? 'granted' : refused[0]?.reason;
};

/** The sweep writes through the writer thread, which the fake clock knows nothing of. */
async function settled({ registry }: Room, revision: number): Promise<void> {
  for (let i = 0; registry.identity(ID)?.revision !== revision; i += 1) {
    if (i > 500) throw new Error('the sweep did not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('suspending', () => {
  it('ends grants at once, with the reason and the time kept', async () => {
    const room = await withIdentity();
    await room.clock.advance(HOUR);
    const identity = await room.registry.suspendIdentity(ID, 'key on a public page', OPERATOR);
    const since = room.clock.now();
    expect(identity).toMatchObject({
      state: 'suspended',
      stateReason: 'key on a public page',
      stateSince: since,
      revision: 2,
    });
    expect(room.registry.identity(ID)).toEqual(identity);
    expect(answer(room)).toBe('SUSPENDED');
  });

  it('again for the same reason writes nothing, for another keeps since when', async () => {
    const room = await withIdentity();
    const first = await room.registry.suspendIdentity(ID, 'one', OPERATOR);
    await room.clock.advance(HOUR);
    expect(await room.registry.suspendIdentity(ID, 'one', OPERATOR)).toEqual(first);
    const second = await room.registry.suspendIdentity(ID, 'two', OPERATOR);
    expect(second).toEqual({ ...first, stateReason: 'two', revision: 3 });
  });

  it('refuses an identity that is not there, and a reason that cannot be read', async () => {
    const { registry } = await withIdentity();
    const absent = await refusalOfAsync(() => registry.suspendIdentity('spiffe://td/nope', 'x', OPERATOR));
    expect([absent.kind, absent.reason]).toEqual(['not-found', 'IDENTITY_NOT_FOUND']);
    await expect(async () => registry.suspendIdentity(ID, '\u202e', OPERATOR)).rejects.toMatchObject({
      field: 'reason',
    });
  });
});

describe('resuming', () => {
  it('grants again', async () => {
    const room = await withIdentity();
    await room.registry.suspendIdentity(ID, 'x', OPERATOR);
    const { identity } = await room.registry.resumeIdentity(ID, OPERATOR);
    expect(identity).toMatchObject({ state: 'active', stateReason: null, revision: 3 });
    expect(answer(room)).toBe('granted');
  });

  it('what is active writes nothing', async () => {
    const { registry } = await withIdentity();
    expect((await registry.resumeIdentity(ID, OPERATOR)).identity.revision).toBe(1);
  });

  it('I5: what has expired needs a new end, and gets it', async () => {
    const room = await withIdentity(HOUR);
    await room.clock.advance(HOUR);
    await settled(room, 2);
    const refused = await refusalOfAsync(() => room.registry.resumeIdentity(ID, OPERATOR));
    expect([refused.kind, refused.reason, refused.field]).toEqual([
      'failed-precondition',
      'IDENTITY_EXPIRED',
      'expires',
    ]);
    const until = room.clock.now() + DAY;
    expect((await room.registry.resumeIdentity(ID, OPERATOR, until)).identity).toMatchObject({
      state: 'active',
      expiresAt: until,
    });
    expect(answer(room)).toBe('granted');
    expect(room.registry.match(CALLER, room.clock.now()).grants[0]?.endsAt).toBe(until);
  });

  it('I5: to an end that has passed is refused', async () => {
    const { registry, clock } = await withIdentity();
    await expect(async () => registry.resumeIdentity(ID, OPERATOR, clock.now())).rejects.toMatchObject({
      reason: 'EXPIRY_INVALID',
    });
  });
});

describe('expiry', () => {
  it('I5: ends grants by the clock and is written down on time', async () => {
    const room = await withIdentity(HOUR);
    await room.clock.advance(HOUR - 1);
    expect(answer(room)).toBe('granted');
    room.clock.jump(1);
    // Not swept yet: the comparison alone.
    expect([answer(room), room.registry.identity(ID)?.state]).toEqual(['EXPIRED', 'active']);
    await room.clock.advance(60_000);
    await settled(room, 2);
    expect(room.registry.identity(ID)).toMatchObject({ state: 'suspended', stateReason: 'expired' });
    expect(answer(room)).toBe('EXPIRED');
  });

  it('is found at a start after it', async () => {
    const first = await withIdentity(HOUR);
    first.registry.close();
    await first.clock.advance(2 * HOUR);
    const second = await first.reopen();
    await second.clock.advance(1);
    await settled(second, 2);
    expect(second.registry.identity(ID)?.stateReason).toBe('expired');
  });

  it('moved on, is waited for where it now is', async () => {
    const room = await withIdentity(HOUR);
    const later = room.clock.now() + 3 * HOUR;
    await room.registry.resumeIdentity(ID, OPERATOR, later);
    await room.clock.advance(2 * HOUR);
    expect([answer(room), room.registry.identity(ID)?.revision]).toEqual(['granted', 2]);
    await room.clock.advance(HOUR);
    await settled(room, 3);
    expect(answer(room)).toBe('EXPIRED');
  });

  it('of many at once suspends them all', async () => {
    const room = await openRoom();
    const expiresAt = room.clock.now() + HOUR;
    const names = Array.from({ length: 600 }, (_, i) => `spiffe://td/${i}`);
    await Promise.all(
      names.map((spiffeId) =>
        room.registry.createEntry({ spiffeId, selectors: ['unix:uid:1'], identity: { expiresAt } }, OPERATOR),
      ),
    );
    await room.clock.advance(HOUR);
    for (let i = 0; i < 500 && room.registry.identities({ state: 'active' }, { limit: 1 }).rows.length > 0; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(room.registry.identities({ state: 'suspended' }, { limit: 1000 }).rows).toHaveLength(600);
  });

  it('leaves what an operator suspended as he said', async () => {
    const room = await withIdentity(HOUR);
    await room.registry.suspendIdentity(ID, 'mine', OPERATOR);
    await room.clock.advance(2 * HOUR);
    expect(room.registry.identity(ID)).toMatchObject({ stateReason: 'mine', revision: 2 });
  });
});

describe('an agent', () => {
  it('C1: gets nothing without a task, and create says so', async () => {
    const room = await openRoom();
    const { warnings } = await room.registry.createEntry(
      { spiffeId: ID, selectors: ['unix:uid:1000'], identity: { kind: 'agent', purpose: 'reviews code' } },
      OPERATOR,
    );
    expect(warnings).toEqual([expect.stringContaining('TASK_REQUIRED')]);
    expect(answer(room)).toBe('TASK_REQUIRED');
  });
});

it('a retired identity takes no entry, no suspension and no resumption', async () => {
  const room = await withIdentity();
  const identity = room.registry.identity(ID);
  if (identity === undefined) throw new Error('not there');
  await room.store.updateIdentity({ ...identity, state: 'retired', revision: 2 }, 'uid:0');
  expect(answer(room)).toBe('RETIRED');
  for (const run of [
    () => room.registry.createEntry({ spiffeId: ID, selectors: ['unix:uid:5'] }, OPERATOR),
    () => room.registry.suspendIdentity(ID, 'x', OPERATOR),
    () => room.registry.resumeIdentity(ID, OPERATOR),
  ]) {
    expect(await refusalOfAsync(run)).toMatchObject({ kind: 'failed-precondition', reason: 'IDENTITY_RETIRED' });
  }
});

it('a suspended identity may get entries, with a warning', async () => {
  const room = await withIdentity();
  await room.registry.suspendIdentity(ID, 'x', OPERATOR);
  const { warnings } = await room.registry.createEntry({ spiffeId: ID, selectors: ['unix:uid:5'] }, OPERATOR);
  expect(warnings).toEqual(['identity spiffe://td/a is suspended']);
});
