// SPDX-License-Identifier: Apache-2.0
/** Approval requests and votes on a real database: what is asked, what is signed, and what of it never changes. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { requestDigest, requestText } from '../../src/approvals/statement.ts';
import type { ApprovalRecord, VoteRecord } from '../../src/store/approvals.ts';
import { PENDING_PER_UID } from '../../src/store/approvals.ts';
import type { HumanRecord } from '../../src/store/humans.ts';
import type { Change } from '../../src/store/records.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { taskRequest } from '../support/approval.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anIdentity, BY, furnish, NOW } from './samples.ts';

const top = tempDir('approvals');
const ID = 'spiffe://td/a';
const TASK = '01jdqw3h5v8z9k2m4n6p7r8s9t';
const END = NOW + 900_000;
let count = 0;

function aTask(id: string, change: Partial<TaskRecord> = {}): TaskRecord {
  return {
    ...{ id, root: id, identity: ID, parent: null, grant: null, depth: 0, purpose: 'ticket 4711' },
    intents: [{ target: 'crm', action: 'read', resource: null }],
    ...{ deadline: END + 1, pid: 42, uid: 1000, gid: 1000, startTime: '1', attested: '{}', digest: 'ab'.repeat(32) },
    ...{ policyHash: '', state: 'pending', stateSince: NOW, end: null, endReason: null, createdAt: NOW, revision: 1 },
    ...change,
  };
}

function anApproval(change: Partial<ApprovalRecord> = {}): ApprovalRecord {
  const request = taskRequest({ id: change.id ?? TASK });
  return {
    ...{ id: TASK, kind: 'task', identity: ID, request: requestText(request), digest: requestDigest(request) },
    ...{ agent: '{"gids":null,"uids":[1000]}', uid: 1000, quorum: 2, strength: 1, createdAt: NOW, notAfter: END },
    ...{ state: 'pending', stateSince: NOW, stateReason: null, revision: 1 },
    ...change,
  };
}

function aHuman(name: string, change: Partial<HumanRecord> = {}): HumanRecord {
  const key = {
    fingerprint: `SHA256:${name}`,
    type: 'ssh-ed25519',
    blob: name,
    addedAt: NOW,
    addedBy: BY,
    vouched: null,
  };
  return {
    ...{ name, email: null, uids: [], teams: [], keys: [key], active: true, leftReason: null },
    ...{ createdAt: NOW, createdBy: BY, revision: 1 },
    ...change,
  };
}

function aVote(human: string, change: Partial<VoteRecord> = {}): VoteRecord {
  return {
    ...{ request: TASK, human, decision: 'approve', fingerprint: `SHA256:${human}`, strength: 1, proof: 'none' },
    ...{ counter: null, statement: 'what was signed', signature: 'by whom', at: NOW + 5 },
    ...change,
  };
}

async function world() {
  count += 1;
  const dir = join(top, `${count}`);
  const store = await openStore(dir);
  await furnish(store);
  for (const name of ['alice', 'bob']) await store.humans.put(aHuman(name), 'add', BY, NOW);
  await store.tasks.create(aTask(TASK), 1, BY);
  const changes: Change[] = [];
  store.onChanges((told) => void changes.push(...told));
  const faults = () =>
    verifyDatabase({
      databasePath: join(dir, 'assay.db'),
      markPath: join(dir, 'high-water-mark'),
      verifier: undefined,
      outside: [],
    }).faults.map(({ row, what }) => `${row}: ${what}`);
  const { approvals } = store;
  const by = (name: string, revision = 1): [string, number] => [name, revision];
  const refused = async (run: () => Promise<unknown>) => (await refusalOfAsync(run)).reason;
  return { dir, store, approvals, changes, faults, by, refused };
}

describe('a request for approval', () => {
  it('comes back as it was asked, and stands in the log under its task', async () => {
    const { store, approvals, changes, faults } = await world();
    await approvals.open(anApproval(), ID);
    expect(approvals.get(TASK)).toEqual(anApproval());
    expect(approvals.pending()).toEqual([anApproval()]);
    expect(approvals.list({ state: 'pending', identity: ID }, { limit: 9 }).rows).toEqual([anApproval()]);
    expect(approvals.list({ state: 'approved' }, { limit: 9 }).rows).toEqual([]);
    expect(changes).toMatchObject([{ kind: 'approval', key: TASK, approval: anApproval() }]);
    const [event] = store.audit.events({ kind: 'approval.' }, { limit: 9 }).rows;
    expect([event?.kind, event?.task, event?.identity]).toEqual(['approval.open', TASK, ID]);
    await store.close();
    expect(faults()).toEqual([]);
  });

  it('I3: is asked once, while its task waits and its identity is active', async () => {
    const { store, approvals, refused } = await world();
    const other = '01jdqw3h5v8z9k2m4n6p7r8s9u';
    await store.tasks.create(aTask(other, { state: 'active' }), 1, BY);
    expect(await refused(() => approvals.open(anApproval({ id: other }), BY))).toBe('DECISION_STALE');
    expect(await refused(() => approvals.open(anApproval({ createdAt: END + 1, notAfter: END + 2 }), BY))).toBe(
      'DECISION_STALE',
    );
    await approvals.open(anApproval(), BY);
    expect(await refused(() => approvals.open(anApproval(), BY))).toBe('APPROVAL_EXISTS');
    await store.updateIdentity({ ...anIdentity(), state: 'suspended', stateReason: 'x', revision: 2 }, BY);
    expect(await refused(() => approvals.open(anApproval({ id: 'g1', kind: 'grant' }), BY))).toBe('DECISION_STALE');
  });

  it('I9: is one of so many of a uid', async () => {
    const { approvals } = await world();
    const ask = (at: number, uid: number | null) =>
      approvals.open(anApproval({ id: `g${at}`, kind: 'grant', uid }), BY);
    for (let at = 0; at < PENDING_PER_UID; at += 1) await ask(at, 1000);
    const refused = await refusalOfAsync(() => ask(99, 1000));
    expect([refused.reason, refused.message]).toEqual(['LIMIT_REACHED', expect.stringContaining('of uid 1000')]);
    await ask(100, 1001);
    await approvals.decide('g0', { state: 'withdrawn', reason: 'x' }, BY, NOW);
    await ask(101, 1000);
  });

  it('I9: is one of so many in all', async () => {
    const { dir, store, approvals, refused } = await world();
    await approvals.open(anApproval({ id: 'g', kind: 'grant', uid: null }), BY);
    await store.close();
    const db = new Database(join(dir, 'assay.db'));
    const columns =
      'kind, task, identity, request, digest, agent, uid, quorum, strength, created_at, not_after, state, state_since, state_reason, revision';
    db.exec(
      `WITH RECURSIVE n (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < 999)
       INSERT INTO approval_request (id, ${columns}) SELECT 'n' || at, ${columns} FROM n, approval_request WHERE id = 'g'`,
    );
    db.close();
    const again = await openStore(dir);
    expect(await refused(() => again.approvals.open(anApproval({ id: 'h', kind: 'grant' }), BY))).toBe('LIMIT_REACHED');
  });

  it('C4: is never asked otherwise, nor decided otherwise once it is, nor removed', async () => {
    const { dir, store, approvals } = await world();
    await approvals.open(anApproval(), BY);
    await approvals.vote(aVote('alice'), { revision: 1, humans: [['alice', 1]] }, undefined, BY);
    await store.close();
    const db = new Database(join(dir, 'assay.db'));
    expect(() => db.exec("UPDATE approval_request SET request = 'x'")).toThrow(
      'what people were asked is never changed',
    );
    expect(() => db.exec('UPDATE approval_request SET quorum = 1')).toThrow('what people were asked is never changed');
    expect(() => db.exec('DELETE FROM approval_request')).toThrow('kept for good');
    expect(() => db.exec("UPDATE approval_vote SET human = 'bob'")).toThrow('a vote is never changed');
    expect(() => db.exec('DELETE FROM approval_vote')).toThrow('a vote is kept for good');
    db.exec("UPDATE approval_request SET state = 'rejected', state_reason = 'x'");
    expect(() => db.exec("UPDATE approval_request SET state = 'approved'")).toThrow('is never changed');
    expect(() =>
      db.exec(
        "INSERT INTO approval_vote SELECT request, 'bob', decision, 'SHA256:bob', 1, proof, counter, statement, signature, at FROM approval_vote",
      ),
    ).toThrow('takes no vote');
    db.close();
  });

  it('C4: is ended once, and not approved without votes', async () => {
    const { approvals } = await world();
    await approvals.open(anApproval(), BY);
    const approved = { state: 'approved', reason: 'x' } as const;
    await expect(approvals.decide(TASK, approved, BY, NOW)).rejects.toThrow('approved by votes');
    expect(await approvals.decide('none', { state: 'expired', reason: 'x' }, BY, NOW)).toBeUndefined();
    const over = await approvals.decide(TASK, { state: 'expired', reason: 'late' }, BY, END);
    expect(over).toMatchObject({ state: 'expired', stateReason: 'late', stateSince: END, revision: 2 });
    expect(await approvals.decide(TASK, { state: 'withdrawn', reason: 'x' }, BY, END)).toBeUndefined();
    expect(approvals.pending()).toEqual([]);
  });
});

describe('a vote', () => {
  it('is written with what it makes of its request, in one step, and stands in the log', async () => {
    const { store, approvals, changes, faults, by } = await world();
    await approvals.open(anApproval(), ID);
    const first = await approvals.vote(aVote('alice'), { revision: 1, humans: [by('alice')] }, undefined, 'uid:7');
    expect(first).toMatchObject({ state: 'pending', revision: 2 });
    const sure = aVote('bob', { strength: 3, proof: 'stated', counter: 9, at: NOW + 6 });
    const decided = { state: 'approved', reason: 'approved by alice, bob' } as const;
    const both = { revision: 2, humans: [by('alice'), by('bob')] };
    const second = await approvals.vote(sure, both, decided, 'uid:7');
    expect(second).toMatchObject({ state: 'approved', stateReason: 'approved by alice, bob', revision: 3 });
    expect(approvals.votes(TASK)).toEqual([aVote('alice'), sure]);
    expect(changes.filter(({ kind }) => kind === 'approval')).toHaveLength(3);
    const events = store.audit.events({}, { limit: 99 }).rows.filter(({ task }) => task === TASK);
    expect(events.map(({ kind }) => kind)).toEqual([
      ...['task.pending', 'approval.open', 'vote.approve', 'approval.voted', 'vote.approve', 'approval.approved'],
    ]);
    await store.close();
    expect(faults()).toEqual([]);
  });

  it('is missed where somebody changes it behind the daemon’s back', async () => {
    const { dir, store, approvals, faults, by } = await world();
    await approvals.open(anApproval(), ID);
    await approvals.vote(aVote('alice'), { revision: 1, humans: [by('alice')] }, undefined, BY);
    await store.close();
    const db = new Database(join(dir, 'assay.db'));
    db.exec("DROP TRIGGER vote_cast; UPDATE approval_vote SET strength = 2, proof = 'stated'");
    db.exec("UPDATE approval_request SET state = 'approved', state_reason = 'x'");
    db.close();
    expect(faults()).toEqual([
      expect.stringMatching(/^approval .* state, state_reason$/),
      expect.stringMatching(/^vote .* (proof, strength|strength, proof)$/),
    ]);
  });

  it('C2: is nothing where somebody whose vote counts is no longer as they were', async () => {
    const { store, approvals, by, refused } = await world();
    await approvals.open(anApproval(), BY);
    const cast = (...humans: [string, number][]) =>
      refused(() => approvals.vote(aVote('alice'), { revision: 1, humans }, undefined, BY));
    expect(await cast(by('alice', 2))).toBe('DECISION_STALE');
    const gone = { active: false, leftReason: 'x', revision: 2 };
    await store.humans.put(aHuman('bob', gone), 'leave', BY, NOW);
    expect(await cast(by('alice'), by('bob'))).toBe('DECISION_STALE');
    expect(await cast(by('alice'), by('bob', 2))).toBe('DECISION_STALE');
    expect(approvals.votes(TASK)).toEqual([]);
  });

  it('C3: is nothing by a key that is not theirs any more', async () => {
    const { store, approvals, by, refused } = await world();
    await approvals.open(anApproval(), BY);
    await store.humans.put(aHuman('alice', { keys: [], revision: 2 }), 'key_remove', BY, NOW);
    const judged = { revision: 1, humans: [by('alice', 2)] };
    expect(await refused(() => approvals.vote(aVote('alice'), judged, undefined, BY))).toBe('DECISION_STALE');
    const bobs = aVote('bob', { fingerprint: 'SHA256:alice' });
    expect(await refused(() => approvals.vote(bobs, { ...judged, humans: [by('bob')] }, undefined, BY))).toBe(
      'DECISION_STALE',
    );
  });

  it('I3: is judged with the one before it', async () => {
    const { approvals, by, refused } = await world();
    await approvals.open(anApproval(), BY);
    const judged = { revision: 1, humans: [by('alice'), by('bob')] };
    const both = ['alice', 'bob'].map((name) => approvals.vote(aVote(name), judged, undefined, BY));
    const [first, second] = await Promise.allSettled(both);
    expect([first?.status, second?.status]).toEqual(['fulfilled', 'rejected']);
    expect(await refused(() => both[1] as Promise<unknown>)).toBe('DECISION_STALE');
  });

  it('is one of each human each way: who approved may still reject', async () => {
    const { approvals, by, refused } = await world();
    await approvals.open(anApproval(), BY);
    const cast = (revision: number, vote: VoteRecord, state?: 'rejected') =>
      approvals.vote(vote, { revision, humans: [by('alice')] }, state && { state, reason: 'x' }, BY);
    await cast(1, aVote('alice'));
    expect(await refused(() => cast(2, aVote('alice', { at: NOW + 9 })))).toBe('VOTE_EXISTS');
    expect((await cast(2, aVote('alice', { decision: 'reject' }), 'rejected')).state).toBe('rejected');
  });

  it('C4: is refused once the request is decided, or its time is over', async () => {
    const { approvals, by, refused } = await world();
    await approvals.open(anApproval(), BY);
    const cast = (at: number) =>
      approvals.vote(aVote('alice', { at }), { revision: 1, humans: [by('alice')] }, undefined, BY);
    expect(await refused(() => cast(END))).toBe('APPROVAL_OVER');
    await approvals.decide(TASK, { state: 'withdrawn', reason: 'x' }, BY, NOW);
    expect(await refused(() => cast(NOW + 5))).toBe('APPROVAL_OVER');
    const nothing = aVote('alice', { request: 'none' });
    expect(await refused(() => approvals.vote(nothing, { revision: 1, humans: [] }, undefined, BY))).toBe(
      'APPROVAL_NOT_FOUND',
    );
  });

  it('I7: is refused once the task no longer waits', async () => {
    const { store, approvals, by, refused } = await world();
    await approvals.open(anApproval(), BY);
    await store.tasks.end(TASK, 'abandoned', 'its stream closed', BY, NOW);
    const cast = () => approvals.vote(aVote('alice'), { revision: 1, humans: [by('alice')] }, undefined, BY);
    expect(await refused(cast)).toBe('APPROVAL_OVER');
  });
});
