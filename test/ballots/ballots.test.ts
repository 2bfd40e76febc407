// SPDX-License-Identifier: Apache-2.0
/** Requests opened, voted on with real signatures, and decided, on a real store. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AGENT, APART, ballotWorld, pendingTask, signVote, WAIT_MS } from '../support/ballot-world.ts';
import { OPERATOR } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { newSshKey } from '../support/sshsig.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('ballots');
const TASK = '01jdqw3h5v8z9k2m4n6p7r8s9t';
let count = 0;
let w: Awaited<ReturnType<typeof ballotWorld>>;

beforeEach(async () => {
  count += 1;
  w = await ballotWorld(`${top}/${count}`);
  await w.join('alice', 1_000);
  await w.join('bob', 1_001);
});
afterEach(() => w.close());

const reasonOf = async (run: () => Promise<unknown>): Promise<string> => (await refusalOfAsync(run)).reason;

describe('a request', () => {
  it('stands as pending until enough people approve, and that is told once', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    expect(w.ballots.state(TASK)).toMatchObject({ state: 'pending', reason: null, request, missing: 2, approvals: [] });
    expect(await w.cast('alice', request)).toMatchObject({ state: 'pending', missing: 1 });
    expect(w.decided).toEqual([]);
    const done = await w.cast('bob', request);
    expect(done).toMatchObject({
      ...{ id: TASK, state: 'approved', reason: 'approved by alice, bob', missing: 0, rejectedBy: [] },
      approvals: [
        { human: 'alice', strength: 1, uid: 'other' },
        { human: 'bob', strength: 1, uid: 'other' },
      ],
    });
    expect(w.decided).toEqual([done]);
    expect(await w.ballots.withdraw(TASK, 'x', AGENT)).toBe(false);
    expect(w.decided).toHaveLength(1);
  });

  it('C3: is over when anybody rejects it, with the reason that they signed', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.cast('alice', request);
    const done = await w.cast('bob', request, { decision: 'reject', reason: 'not this account' });
    expect(done).toMatchObject({ state: 'rejected', reason: 'rejected by bob: not this account', rejectedBy: ['bob'] });
    expect(w.decided).toEqual([done]);
  });

  it('C4: takes no vote once it is decided', async () => {
    const request = await w.ask(TASK);
    await w.cast('bob', request, { decision: 'reject' });
    expect(await reasonOf(() => w.cast('alice', request))).toBe('APPROVAL_OVER');
    expect(w.store.approvals.votes(TASK)).toHaveLength(1);
  });

  it('I7: is never approved by time: it expires', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.cast('alice', request);
    await w.clock.advance(WAIT_MS - 1);
    expect(w.decided).toEqual([]);
    expect(await w.later(1, () => w.decided.length > 0)).toBe(true);
    expect(w.decided).toMatchObject([{ id: TASK, state: 'expired', reason: 'its time is over' }]);
    expect(await reasonOf(() => w.cast('bob', request))).toBe('APPROVAL_OVER');
  });

  it('I7: is withdrawn with its task', async () => {
    await w.ask(TASK);
    await w.store.tasks.end(TASK, 'abandoned', 'its stream closed', AGENT, w.clock.now());
    expect(await w.later(0, () => w.decided.length > 0)).toBe(true);
    expect(w.decided).toMatchObject([{ id: TASK, state: 'withdrawn', reason: 'its task is denied' }]);
  });

  it('is withdrawn by whoever asked', async () => {
    await w.ask(TASK);
    expect(await w.ballots.withdraw(TASK, 'asked by mistake', AGENT)).toBe(true);
    expect(w.decided).toMatchObject([{ state: 'withdrawn', reason: 'asked by mistake' }]);
    expect(await w.ballots.withdraw('none', 'x', AGENT)).toBe(false);
  });

  it('is looked at again by the next daemon: over where its task is, else as before', async () => {
    await w.ask(TASK);
    const grant = w.asks('grant-1', { kind: 'grant', uid: null, pid: null, started: null, secrets: null });
    const terms = { from: w.clock.now(), mostTasks: 3, taskSeconds: 60, executable: null, sha256: null, selectors: [] };
    await w.ballots.open({ ...grant, ...terms }, { uids: undefined, gids: undefined }, 'uid:0');
    w.ballots.close();
    await w.store.tasks.end(TASK, 'abandoned', 'the daemon ended', 'assay', w.clock.now());
    const next = w.start();
    const told: unknown[] = [];
    next.onDecided((one) => void told.push([one.id, one.state]));
    await next.endLeftovers();
    expect(told).toEqual([[TASK, 'withdrawn']]);
    expect(next.state('grant-1')?.state).toBe('pending');
    expect(await w.later(WAIT_MS, () => told.length > 1)).toBe(true);
    expect(told.at(-1)).toEqual(['grant-1', 'expired']);
    next.close();
  });

  it('C4: is not opened with what nobody could sign, nor after its end', async () => {
    await w.store.tasks.create(pendingTask(TASK, w.clock.now()), 1, AGENT);
    const open = (change: object) => w.ballots.open(w.asks(TASK, change), APART, AGENT);
    expect(await reasonOf(() => open({ purpose: 'a\u202eb' }))).toBe('STATEMENT_INVALID');
    expect(await reasonOf(() => open({ notAfter: w.clock.now() }))).toBe('APPROVAL_OVER');
    await open({});
    expect(await reasonOf(() => open({}))).toBe('APPROVAL_EXISTS');
    expect(await w.ballots.withdraw(TASK, 'x', AGENT)).toBe(true);
    expect(w.decided).toHaveLength(1);
  });

  it('is told to all who listen, whatever one of them does, until they stop', async () => {
    const heard: string[] = [];
    w.ballots.onDecided(() => {
      throw new Error('deaf');
    });
    const stop = w.ballots.onDecided(({ id }) => void heard.push(id));
    await w.cast('alice', await w.ask(TASK));
    stop();
    await w.cast('alice', await w.ask('01jdqw3h5v8z9k2m4n6p7r8s9u'));
    expect(heard).toEqual([TASK]);
    expect(w.decided).toHaveLength(2);
  });
});

describe('a vote', () => {
  it('C2: counts by whose key it is, and is nothing by any other', async () => {
    const request = await w.ask(TASK);
    const said = { decision: 'approve', human: 'alice', reason: null, request } as const;
    const stranger = signVote(newSshKey('ssh-ed25519'), said);
    expect(await reasonOf(() => w.ballots.submit(TASK, stranger, 'uid:1000'))).toBe('APPROVAL_KEY_UNKNOWN');
    const bobs = signVote(w.keys.get('bob')!, said);
    expect(await reasonOf(() => w.ballots.submit(TASK, bobs, 'uid:1000'))).toBe('APPROVAL_KEY_UNKNOWN');
    expect(await reasonOf(() => w.ballots.submit('none', bobs, 'uid:1000'))).toBe('APPROVAL_NOT_FOUND');
    expect(w.store.approvals.votes(TASK)).toEqual([]);
  });

  it('C2: is refused, and not kept, where it counts for nothing', async () => {
    const asked = await w.ask(TASK, {}, { uids: [2_000, 1_000], gids: [2_000] });
    const refused = await refusalOfAsync(() => w.cast('alice', asked));
    expect([refused.reason, refused.message]).toEqual([
      'VOTE_COUNTS_NOTHING',
      expect.stringContaining('the agent may reach their keys: a strength of 2 is needed'),
    ]);
    expect(w.store.approvals.votes(TASK)).toEqual([]);
    w.rules.mayDecide = ({ human }) => human.name !== 'bob';
    expect((await refusalOfAsync(() => w.cast('bob', asked))).message).toContain('policy does not let them');
    w.rules.mayDecide = () => true;
    expect((await w.cast('bob', asked)).state).toBe('approved');
  });

  it('C2: of an agent of whom nothing is known needs more than software', async () => {
    const request = await w.ask(TASK, {}, { uids: undefined, gids: undefined });
    expect(await reasonOf(() => w.cast('bob', request))).toBe('VOTE_COUNTS_NOTHING');
  });

  it('C3: counts for what its key was enrolled as', async () => {
    await w.join('carol', 2_000, 'sk-ssh-ed25519@openssh.com');
    const request = await w.ask(TASK, { needStrength: 2 });
    expect(await reasonOf(() => w.cast('carol', request, {}, { flags: 5 }))).toBe('VOTE_COUNTS_NOTHING');
    w.rules.enrolment = { highest: 2, proof: 'stated' };
    const done = await w.cast('carol', request, {}, { flags: 5, counter: 8 });
    expect(done).toMatchObject({ state: 'approved', approvals: [{ human: 'carol', strength: 2, uid: 'same' }] });
    expect(w.store.approvals.votes(TASK)).toMatchObject([{ strength: 2, proof: 'stated', counter: 8 }]);
  });

  it('C3: of somebody who left, or whose key was taken, counts no more', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.join('carol', 1_002);
    await w.join('dave', 1_003);
    await w.cast('alice', request);
    const [key] = w.registry.people.get('alice')!.keys;
    await w.registry.people.removeKey('alice', key!.fingerprint, OPERATOR);
    expect(w.ballots.state(TASK)).toMatchObject({
      missing: 2,
      void: [{ human: 'alice', why: 'the key is not theirs' }],
    });
    await w.cast('bob', request);
    await w.registry.people.leave('bob', 'left', OPERATOR);
    expect(await w.cast('carol', request)).toMatchObject({ state: 'pending', missing: 1 });
    expect(await w.cast('dave', request)).toMatchObject({ state: 'approved', reason: 'approved by carol, dave' });
  });

  it('I3: is judged again where somebody changed while it was written', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.join('carol', 1_002);
    const both = await Promise.all([w.cast('alice', request), w.cast('carol', request)]);
    expect(both.map(({ state }) => state).sort()).toContain('approved');
    expect(w.decided).toMatchObject([{ state: 'approved', reason: 'approved by alice, carol' }]);
  });

  it('is not taken twice, but whoever approved may still reject', async () => {
    const request = await w.ask(TASK, { needCount: 2 });
    await w.cast('alice', request);
    expect(await reasonOf(() => w.cast('alice', request))).toBe('VOTE_EXISTS');
    expect((await w.cast('alice', request, { decision: 'reject' })).state).toBe('rejected');
  });

  it('C4: of the request as it was, or of another, is refused', async () => {
    const request = await w.ask(TASK);
    expect(await reasonOf(() => w.cast('alice', { ...request, pid: 4_243 }))).toBe('APPROVAL_OTHER_REQUEST');
    const other = await w.ask('01jdqw3h5v8z9k2m4n6p7r8s9u');
    const said = { decision: 'approve', human: 'alice', reason: null, request: other } as const;
    const vote = signVote(w.keys.get('alice')!, said);
    expect(await reasonOf(() => w.ballots.submit(TASK, vote, 'uid:1000'))).toBe('APPROVAL_OTHER_REQUEST');
  });
});
