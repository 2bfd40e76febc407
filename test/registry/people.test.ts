// SPDX-License-Identifier: Apache-2.0
/** People and what is theirs, on a real store. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { People } from '../../src/registry/people.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const TD = 'spiffe://example.org';
const top = tempDir('people');
const KEYS = [
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB alice',
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC bob',
] as const;
let count = 0;
let w: Awaited<ReturnType<typeof world>>;

async function world() {
  count += 1;
  const dataDir = `${top}/${count}`;
  const clock = new FakeClock();
  const rooms = await lone({ dataDir, clock });
  const { people, life } = rooms.registry;
  const add = (name: string, ...teams: string[]) => people.add({ name, uids: [], teams }, OPERATOR);
  const own = (path: string, owner: string, deputy?: string) =>
    life.create({ spiffeId: `${TD}/${path}`, owner, deputy }, OPERATOR);
  const stateOf = (path: string) => {
    const one = rooms.registry.identity(`${TD}/${path}`);
    return `${one?.state}${one?.stateReason ? `: ${one.stateReason}` : ''}, ${one?.owner}`;
  };
  return { ...rooms, dataDir, clock, people, life, add, own, stateOf };
}

beforeEach(async () => {
  w = await world();
});
afterEach(() => w.close());

describe('people', () => {
  it('are kept with their uids, teams and keys, also over a restart', async () => {
    await w.people.add(
      { name: 'alice', email: 'a@example.org', uids: [1001, 1000, 1001], teams: ['web', 'ops', 'web'] },
      OPERATOR,
    );
    await w.people.addKey('alice', KEYS[0], OPERATOR);
    const alice = await w.people.addKey('alice', KEYS[1], OPERATOR);
    expect(alice).toMatchObject({ uids: [1000, 1001], teams: ['ops', 'web'], active: true, revision: 3 });
    await w.people.removeKey('alice', alice.keys[0]!.fingerprint, OPERATOR);
    const kinds = w.store.audit.events({ kind: 'human.' }, { limit: 9 }).rows.map(({ kind }) => kind);
    expect(kinds).toEqual(['human.add', 'human.key_add', 'human.key_add', 'human.key_remove']);
    await w.close();
    const again = await lone({ dataDir: w.dataDir, clock: w.clock });
    expect(again.registry.people.all()).toMatchObject([
      { name: 'alice', email: 'a@example.org', keys: [{ type: 'ssh-ed25519' }] },
    ]);
    await again.close();
    w = await world();
  });

  it('C2: have keys of their own, and names that nobody else gets, also after they left', async () => {
    await w.add('alice');
    await w.add('bob');
    await w.people.addKey('alice', KEYS[0], OPERATOR);
    expect((await refusalOfAsync(() => w.people.addKey('bob', KEYS[0], OPERATOR))).reason).toBe('HUMAN_KEY_TAKEN');
    const { fingerprint } = w.people.get('alice')!.keys[0]!;
    await w.people.removeKey('alice', fingerprint, OPERATOR);
    expect((await refusalOfAsync(() => w.people.addKey('bob', KEYS[0], OPERATOR))).reason).toBe('HUMAN_KEY_TAKEN');
    expect((await w.people.addKey('alice', KEYS[0], OPERATOR)).keys).toHaveLength(1);
    await w.people.add({ name: 'eve', uids: [1000], teams: [] }, OPERATOR);
    const second = await refusalOfAsync(() =>
      w.people.add({ name: 'mallory', uids: [999, 1000], teams: [] }, OPERATOR),
    );
    expect([second.reason, second.value]).toEqual(['HUMAN_UID_TAKEN', '1000']);
    await w.people.leave('alice', 'gone', OPERATOR);
    expect((await refusalOfAsync(() => w.add('alice'))).reason).toBe('HUMAN_EXISTS');
    expect((await refusalOfAsync(() => w.people.addKey('alice', KEYS[1], OPERATOR))).reason).toBe('HUMAN_LEFT');
    expect((await refusalOfAsync(() => w.people.leave('alice', 'again', OPERATOR))).reason).toBe('HUMAN_LEFT');
    const none = await refusalOfAsync(() => w.people.removeKey('bob', 'SHA256:x', OPERATOR));
    expect(none.reason).toBe('HUMAN_KEY_NOT_FOUND');
  });

  it('are changed field by field, each change an event, and no uid comes to be two people’s', async () => {
    await w.people.add({ name: 'alice', email: 'a@example.org', uids: [1000], teams: ['web'] }, OPERATOR);
    await w.people.add({ name: 'bob', uids: [1001], teams: [] }, OPERATOR);
    const { human } = await w.people.update('alice', { email: null, uids: [1002] }, OPERATOR);
    expect(human).toMatchObject({ email: null, uids: [1002], teams: ['web'], revision: 2 });
    expect(w.people.all()).toEqual(w.store.humans.load());
    const shared = await refusalOfAsync(() => w.people.update('alice', { uids: [1001] }, OPERATOR));
    expect(shared.reason).toBe('HUMAN_UID_TAKEN');
    const named = await refusalOfAsync(() => w.people.update('alice', { teams: ['A'] }, OPERATOR));
    expect(named.reason).toBe('HUMAN_NAME_INVALID');
    expect((await w.people.update('alice', { uids: [1002] }, OPERATOR)).human.revision).toBe(2);
    const kinds = w.store.audit.events({ kind: 'human.' }, { limit: 9 }).rows.map(({ kind }) => kind);
    expect(kinds).toEqual(['human.add', 'human.add', 'human.update']);
    await w.people.leave('alice', 'left', OPERATOR);
    expect((await refusalOfAsync(() => w.people.update('alice', { teams: [] }, OPERATOR))).reason).toBe('HUMAN_LEFT');
  });

  it.each(['', 'Alice', '__proto__', 'a b', '-a', 'a'.repeat(65), 'ä', 'constructor\n'])(
    'B7: have plain names: %j has none',
    async (name) => {
      expect((await refusalOfAsync(() => w.add(name))).reason).toBe('HUMAN_NAME_INVALID');
      expect((await refusalOfAsync(() => w.add('fine', name))).reason).toBe('HUMAN_NAME_INVALID');
    },
  );

  it('I9: have a bounded number of uids, teams and keys', async () => {
    const uids = Array.from({ length: 17 }, (_, uid) => uid);
    expect((await refusalOfAsync(() => w.people.add({ name: 'a', uids, teams: [] }, OPERATOR))).reason).toBe(
      'LIMIT_REACHED',
    );
    const teams = Array.from({ length: 33 }, (_, at) => `t${at}`);
    expect((await refusalOfAsync(() => w.add('a', ...teams))).reason).toBe('LIMIT_REACHED');
    const few = new People(w.store.humans, w.clock, 0);
    const human = { name: 'a', uids: [], teams: [] };
    expect((await refusalOfAsync(() => few.add(human, OPERATOR))).reason).toBe('LIMIT_REACHED');
    const one = new People(w.store.humans, w.clock, 1);
    const both = await Promise.allSettled(['x', 'y'].map((name) => one.add({ ...human, name }, OPERATOR)));
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    const bad = await refusalOfAsync(() => w.people.add({ name: 'a', uids: [-1], teams: [] }, OPERATOR));
    expect(bad.reason).toBe('HUMAN_UID_INVALID');
    await w.add('a');
    for (let at = 1; at <= 16; at += 1) {
      const blob = Buffer.concat([Buffer.from('0000000b7373682d6564323535313900000020', 'hex'), Buffer.alloc(32, at)]);
      await w.people.addKey('a', `ssh-ed25519 ${blob.toString('base64')}`, OPERATOR);
    }
    expect(
      (await refusalOfAsync(() => w.people.addKey('a', KEYS[0].replace('AAAAIAEB', 'AAAAICEB'), OPERATOR))).reason,
    ).toBe('LIMIT_REACHED');
  });
});

describe('an owner', () => {
  it('C1: that is a human or a team is somebody who is here; other words are taken as they are', async () => {
    await w.add('alice', 'web');
    await w.own('a', 'human:alice', 'team:web');
    await w.own('b', 'team-payments');
    for (const owner of ['human:bob', 'team:ops']) {
      expect((await refusalOfAsync(() => w.own('c', owner))).reason).toBe('OWNER_GONE');
      expect((await refusalOfAsync(() => w.own('c', 'x', owner))).field).toBe('deputy');
      expect((await refusalOfAsync(() => w.life.update(`${TD}/a`, { owner }, OPERATOR))).reason).toBe('OWNER_GONE');
    }
    const entry = { spiffeId: `${TD}/d`, selectors: ['unix:uid:9'], identity: { owner: 'human:bob' } };
    expect((await refusalOfAsync(() => w.registry.createEntry(entry, OPERATOR))).reason).toBe('OWNER_GONE');
    const deputed = { ...entry, identity: { deputy: 'human:bob' } };
    expect((await refusalOfAsync(() => w.registry.createEntry(deputed, OPERATOR))).field).toBe('deputy');
    expect((await refusalOfAsync(() => w.own('c', 'human:__proto__'))).reason).toBe('HUMAN_NAME_INVALID');
  });

  it('I7: who leaves takes nothing along: what was theirs alone is suspended in one step, and streams end', async () => {
    await w.add('alice', 'web', 'ops');
    await w.add('bob', 'ops');
    await w.own('mine', 'human:alice', 'human:bob');
    await w.own('teams', 'team:web');
    await w.own('shared', 'team:ops');
    await w.own('other', 'human:bob');
    await w.registry.createEntry({ entryId: 'e', spiffeId: `${TD}/mine`, selectors: ['unix:uid:1000'] }, OPERATOR);
    const follower = new TestFollower();
    w.standings.followX509(new TestProcess(), follower);
    while (follower.states.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const before = w.store.lastChangeSeq();
    const { suspended } = await w.people.leave('alice', 'left the company', OPERATOR);
    expect(suspended.map(({ spiffeId }) => spiffeId)).toEqual([`${TD}/mine`, `${TD}/teams`]);
    expect(w.store.lastChangeSeq() - before).toBe(4);
    expect([w.stateOf('mine'), w.stateOf('teams')]).toEqual([
      'suspended: owner human:alice left, human:alice',
      'suspended: owner team:web left, team:web',
    ]);
    expect([w.stateOf('shared'), w.stateOf('other')]).toEqual(['active, team:ops', 'active, human:bob']);
    for (let at = 0; at < 400 && follower.failure === undefined; at += 1) {
      await w.clock.advance(0);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(follower.failure?.kind).toBe('permission-denied');
    expect(w.store.revocations.unexpired(w.clock.now())).toHaveLength(1);
  });

  it('I7: of whom all leave at once is gone, as is one who leaves while he is given something', async () => {
    await w.add('a', 'ops');
    await w.add('b', 'ops');
    await w.own('team', 'team:ops');
    await w.own('other', 'x');
    const done = await Promise.allSettled([
      w.people.leave('a', 'left', OPERATOR),
      w.people.leave('b', 'left', OPERATOR),
      w.own('new', 'human:a'),
      w.life.update(`${TD}/other`, { owner: 'human:b' }, OPERATOR),
    ]);
    expect(done.slice(0, 2).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(w.stateOf('team')).toMatch(/^suspended: owner team:ops left/);
    for (const path of ['new', 'other']) expect(w.stateOf(path)).not.toMatch(/^active, human:/);
  });

  it('I7: of which nobody answers any more since its last active member left the team is suspended in one step', async () => {
    await w.add('a', 'ops', 'web');
    await w.add('b', 'web');
    await w.own('ops', 'team:ops');
    await w.own('web', 'team:web');
    const { human, suspended } = await w.people.update('a', { teams: ['new'], email: 'a@example.org' }, OPERATOR);
    expect(human).toMatchObject({ teams: ['new'], email: 'a@example.org', uids: [], revision: 2 });
    expect(suspended.map(({ spiffeId }) => spiffeId)).toEqual([`${TD}/ops`]);
    expect([w.stateOf('ops'), w.stateOf('web')]).toEqual([
      'suspended: owner team:ops left, team:ops',
      'active, team:web',
    ]);
    await w.own('other', 'team:new');
    expect((await refusalOfAsync(() => w.own('more', 'team:ops'))).reason).toBe('OWNER_GONE');
    // Somebody joins it again, and what was the team's is renewed as it is.
    await w.people.update('b', { teams: ['web', 'ops'] }, OPERATOR);
    await w.life.renew(`${TD}/ops`, OPERATOR);
    expect(w.stateOf('ops')).toBe('active, team:ops');
  });

  it('I7: of whom all members leave the team at once is gone', async () => {
    for (const name of ['a', 'b']) await w.add(name, 'ops');
    await w.own('team', 'team:ops');
    const done = await Promise.all(['a', 'b'].map((name) => w.people.update(name, { teams: [] }, OPERATOR)));
    expect(done.flatMap(({ suspended }) => suspended)).toHaveLength(1);
    expect(w.stateOf('team')).toMatch(/^suspended: owner team:ops left/);
  });

  it('I7: leaves though somebody changes what is theirs without pause', async () => {
    await w.add('a');
    const paths = Array.from({ length: 20 }, (_, at) => `mine${at}`);
    for (const path of paths) await w.own(path, 'human:a');
    let done = false;
    const busy = paths.map(async (path) => {
      for (let at = 0; !done; at += 1) await w.life.update(`${TD}/${path}`, { purpose: `p${at}` }, OPERATOR);
    });
    const { suspended } = await w.people.leave('a', 'left', OPERATOR);
    done = true;
    await Promise.all(busy);
    expect(suspended).toHaveLength(20);
    for (const path of paths) expect(w.stateOf(path)).toBe('suspended: owner human:a left, human:a');
  });

  it('I7: who left does not see a draft begin: its deputy does', async () => {
    await w.add('a');
    for (const [path, deputy] of [['alone'], ['followed', 'x']] as const)
      await w.life.create({ spiffeId: `${TD}/${path}`, owner: 'human:a', deputy, draft: true }, OPERATOR);
    await w.people.leave('a', 'left', OPERATOR);
    expect((await refusalOfAsync(() => w.life.activate(`${TD}/alone`, OPERATOR))).reason).toBe('OWNER_GONE');
    await w.life.activate(`${TD}/followed`, OPERATOR);
    expect(w.stateOf('followed')).toBe('active, x');
  });

  it('C1: is named with the renewal, in one step; the deputy stays, unless it is who is named', async () => {
    for (const name of ['alice', 'bob', 'eve']) await w.add(name);
    await w.own('a', 'human:alice', 'human:bob');
    await w.own('b', 'human:alice', 'human:bob');
    await w.people.leave('alice', 'left', OPERATOR);
    const renew = (path: string, owner: string) => w.life.renew(`${TD}/${path}`, OPERATOR, undefined, owner);
    expect((await refusalOfAsync(() => renew('a', 'human:alice'))).reason).toBe('OWNER_GONE');
    expect((await refusalOfAsync(() => renew('a', 'Human:eve'))).reason).toBe('OWNER_INVALID');
    const renewed = await renew('a', 'human:eve');
    expect(renewed).toEqual({ identity: w.registry.identity(`${TD}/a`) });
    expect(renewed.identity).toMatchObject({ state: 'active', owner: 'human:eve', deputy: 'human:bob', revision: 3 });
    expect((await renew('b', 'human:bob')).identity).toMatchObject({ owner: 'human:bob', deputy: null });
    await w.registry.suspendIdentity(`${TD}/a`, 'incident', OPERATOR);
    expect((await refusalOfAsync(() => renew('a', 'human:alice'))).reason).toBe('OWNER_GONE');
    expect((await renew('a', 'x')).identity).toMatchObject({ state: 'suspended', stateReason: 'incident', owner: 'x' });
  });

  it('I7: is not who leaves while an identity is renewed for them', async () => {
    await w.add('alice');
    await w.own('a', 'x');
    const done = await Promise.allSettled([
      w.people.leave('alice', 'left', OPERATOR),
      w.life.renew(`${TD}/a`, OPERATOR, undefined, 'human:alice'),
    ]);
    expect(done[0].status).toBe('fulfilled');
    expect(w.stateOf('a')).not.toMatch(/^active, human:/);
  });

  it.each(['Human:alice', 'human :alice', 'TEAM:web', 'human\uff1aalice', ' human:alice'])(
    'C4: that only looks like a human or a team is refused: %j',
    async (owner) => {
      const { reason } = await refusalOfAsync(() => w.own('x', owner));
      expect(['OWNER_INVALID', 'TEXT_INVALID']).toContain(reason);
    },
  );

  it('C1: who is gone is followed by the deputy when it is renewed, under the same name; without one somebody is named first', async () => {
    await w.add('alice');
    await w.add('bob');
    await w.own('mine', 'human:alice', 'human:bob');
    await w.own('alone', 'human:alice');
    await w.people.leave('alice', 'left', OPERATOR);
    expect((await w.life.renew(`${TD}/mine`, OPERATOR)).ownerWhoLeft).toBe('human:alice');
    expect(w.stateOf('mine')).toBe('active, human:bob');
    expect((await refusalOfAsync(() => w.life.renew(`${TD}/alone`, OPERATOR))).reason).toBe('OWNER_GONE');
    expect((await refusalOfAsync(() => w.registry.resumeIdentity(`${TD}/alone`, OPERATOR))).reason).toBe('OWNER_GONE');
    await w.life.update(`${TD}/alone`, { owner: 'human:bob' }, OPERATOR);
    expect(await w.life.renew(`${TD}/alone`, OPERATOR)).not.toHaveProperty('ownerWhoLeft');
    expect(w.stateOf('alone')).toBe('active, human:bob');
    await w.people.leave('bob', 'left, too', OPERATOR);
    expect((await refusalOfAsync(() => w.life.renew(`${TD}/mine`, OPERATOR))).reason).toBe('OWNER_GONE');
  });
});
