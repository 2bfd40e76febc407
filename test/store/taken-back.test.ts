// SPDX-License-Identifier: Apache-2.0
/** Approvals that are taken back, on a real database: what ends with them, in the same step. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { requestDigest, requestText } from '../../src/approvals/statement.ts';
import type { ApprovalRecord, VoteRecord } from '../../src/store/approvals.ts';
import type { GrantRecord } from '../../src/store/grants.ts';
import type { HumanRecord } from '../../src/store/humans.ts';
import type { Change } from '../../src/store/records.ts';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { migrations } from '../../src/store/sqlite/schema.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { grantRequest, taskRequest } from '../support/approval.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { BY, furnish, NOW } from './samples.ts';

const top = tempDir('taken-back');
const ID = 'spiffe://td/a';
const TASK = '01jdqw3h5v8z9k2m4n6p7r8s9t';
const GRANT = '01jdqw3h5v8z9k2m4n6p7r8s9u';
const HOUR = 3_600_000;
const WHY = 'alice took their approval back';
let count = 0;

function aTask(id: string, change: Partial<TaskRecord> = {}): TaskRecord {
  return {
    ...{ id, root: id, identity: ID, parent: null, grant: null, depth: 0, purpose: 'ticket 4711' },
    intents: [{ target: 'crm', action: 'read', resource: null }],
    ...{ deadline: NOW + HOUR, pid: 42, uid: 1000, gid: 1000, startTime: '1', attested: '{}', digest: 'ab'.repeat(32) },
    ...{
      policyHash: '',
      state: 'pending',
      stateSince: NOW,
      end: null,
      endReason: null,
      createdAt: NOW,
      breakGlass: false,
      revision: 1,
    },
    ...change,
  };
}

function anApproval(kind: 'task' | 'grant', quorum: number): ApprovalRecord {
  const id = kind === 'task' ? TASK : GRANT;
  const request = kind === 'task' ? taskRequest({ id }) : grantRequest({ id });
  return {
    ...{ id, kind, identity: ID, request: requestText(request), digest: requestDigest(request), quorum },
    ...{ agent: '{"gids":null,"uids":[1000]}', uid: null, strength: 1, createdAt: NOW, notAfter: NOW + HOUR },
    ...{ state: 'pending', stateSince: NOW, stateReason: null, revision: 1 },
  };
}

function aGrant(change: Partial<GrantRecord> = {}): GrantRecord {
  return {
    ...{ id: GRANT, identity: ID, intents: [{ target: 'crm', action: 'read', resource: null }], purpose: 'support' },
    ...{ windowFrom: NOW, windowTo: NOW + HOUR, maxTaskTtlMs: HOUR, maxTasks: 2, used: 0, requestedBy: BY },
    ...{ digest: anApproval('grant', 1).digest, state: 'requested', stateSince: NOW, stateReason: null },
    ...{ createdAt: NOW, breakGlass: false, revision: 1 },
    ...change,
  };
}

function aHuman(name: string, change: Partial<HumanRecord> = {}): HumanRecord {
  const key = { type: 'ssh-ed25519', blob: name, addedAt: NOW, addedBy: BY, vouched: null };
  return {
    ...{ name, email: null, uids: [], teams: [], active: true, leftReason: null },
    keys: [{ fingerprint: `SHA256:${name}`, ...key }],
    ...{ createdAt: NOW, createdBy: BY, revision: 1 },
    ...change,
  };
}

const aVote = <T extends VoteRecord['decision']>(human: string, decision: T, request = TASK) => ({
  ...{ request, human, decision, fingerprint: `SHA256:${human}`, strength: 1, proof: 'none' },
  ...{ counter: null, statement: 'what was signed', signature: 'by whom', at: NOW + 5 },
});

async function world() {
  count += 1;
  const dir = join(top, `${count}`);
  const store = await openStore(dir);
  await furnish(store);
  for (const name of ['alice', 'bob']) await store.humans.put(aHuman(name), 'add', BY, NOW);
  await store.tasks.create(aTask(TASK), 1, BY);
  const { approvals, tasks, grants } = store;
  const changes: Change[] = [];
  store.onChanges((told) => void changes.push(...told));
  /** By alice, and by bob where two are asked for. */
  const approved = async (kind: 'task' | 'grant', quorum = 1): Promise<void> => {
    const id = kind === 'task' ? TASK : GRANT;
    await approvals.open(anApproval(kind, quorum), BY);
    for (const [at, name] of ['alice', 'bob'].slice(0, quorum).entries())
      await approvals.vote(
        aVote(name, 'approve', id),
        { revision: at + 1, humans: [[name, 1]] },
        at + 1 === quorum ? { state: 'approved', reason: 'x' } : undefined,
        BY,
      );
  };
  const takeBack = (request: string, revision: number, human = 'alice', humanRevision = 1) => {
    const judged = { revision, humans: [[human, humanRevision]] as const };
    return approvals.takeBack(aVote(human, 'withdraw', request), judged, WHY, 'uid:7');
  };
  const refused = async (...args: Parameters<typeof takeBack>) =>
    (await refusalOfAsync(() => takeBack(...args))).reason;
  const kinds = () => store.audit.events({}, { limit: 99 }).rows.map(({ kind }) => kind);
  const faults = () =>
    verifyDatabase({
      databasePath: join(dir, 'assay.db'),
      markPath: join(dir, 'high-water-mark'),
      verifier: undefined,
      outside: [],
    }).faults.map(({ row, what }) => `${row}: ${what}`);
  return { dir, store, approvals, tasks, grants, changes, approved, takeBack, refused, kinds, faults };
}

describe('an approval that is taken back', () => {
  it('I7: ends the task that began by it, and all below, in one step that stands in the log', async () => {
    const { store, approvals, tasks, changes, approved, takeBack, kinds, faults } = await world();
    await approved('task');
    await tasks.activate(aTask(TASK, { state: 'active', stateSince: NOW + 5, revision: 2 }), 1, BY, NOW + 5);
    const child = '01jdqw3h5v8z9k2m4n6p7r8s9w';
    await tasks.create(aTask(child, { state: 'active', parent: TASK, root: TASK, depth: 1 }), 1, BY);
    changes.length = 0;
    expect(await takeBack(TASK, 2)).toMatchObject({ state: 'approved', revision: 2 });
    expect(tasks.get(TASK)).toMatchObject({ state: 'ended', end: 'revoked', endReason: WHY });
    expect(tasks.get(child)).toMatchObject({ state: 'ended', end: 'parent' });
    expect(kinds().slice(-3)).toEqual(['vote.withdraw', 'task.ended', 'task.ended']);
    expect(changes.map(({ kind, key }) => `${kind} ${key}`)).toEqual([`task ${TASK}`, `task ${child}`]);
    expect(approvals.votes(TASK).map(({ decision }) => decision)).toEqual(['approve', 'withdraw']);
    await store.close();
    expect(faults()).toEqual([]);
  });

  it('I7: ends the task that was about to begin by it', async () => {
    const { tasks, approved, takeBack } = await world();
    await approved('task');
    await takeBack(TASK, 2);
    expect(tasks.get(TASK)).toMatchObject({ state: 'denied', end: 'revoked' });
    const late = aTask(TASK, { state: 'active', stateSince: NOW + 6, revision: 2 });
    expect((await refusalOfAsync(() => tasks.activate(late, 1, BY, NOW + 6))).reason).toBe('REVISION_CONFLICT');
  });

  it('I7: takes a grant back, with all tasks that began under it', async () => {
    const { store, tasks, grants, changes, approved, takeBack, faults } = await world();
    await grants.create(aGrant(), BY);
    await approved('grant');
    await grants.step(GRANT, 'pending', null, BY, NOW);
    await grants.step(GRANT, 'active', null, BY, NOW);
    const under = '01jdqw3h5v8z9k2m4n6p7r8s9w';
    await tasks.create(aTask(under, { state: 'active', grant: GRANT }), 1, BY);
    changes.length = 0;
    await takeBack(GRANT, 2);
    expect(grants.get(GRANT)).toMatchObject({ state: 'revoked', stateReason: WHY });
    expect(tasks.get(under)).toMatchObject({ state: 'ended', end: 'revoked' });
    expect(tasks.get(TASK)?.state).toBe('pending');
    expect(changes.map(({ kind, key }) => `${kind} ${key}`)).toEqual([`grant ${GRANT}`, `task ${under}`]);
    await store.close();
    expect(faults()).toEqual([]);
  });

  it.each([
    ['that is used up', 1, 'exhausted'],
    ['whose window is over', 2, 'expired'],
  ])('I7: ends what runs under a grant %s', async (_, maxTasks, state) => {
    const { store, tasks, grants, approved, takeBack, refused, faults } = await world();
    await grants.create(aGrant({ maxTasks }), BY);
    await approved('grant');
    await grants.step(GRANT, 'pending', null, BY, NOW);
    await grants.step(GRANT, 'active', null, BY, NOW);
    const under = aTask('01jdqw3h5v8z9k2m4n6p7r8s9w', { state: 'active', grant: GRANT });
    await tasks.create(under, 1, BY);
    if (state === 'expired') await grants.step(GRANT, 'expired', 'its window is over', BY, NOW + 1);
    expect(grants.get(GRANT)?.state).toBe(state);
    await takeBack(GRANT, 2);
    // It ended by itself before: that stays.
    expect([grants.get(GRANT)?.state, tasks.get(under.id)?.end]).toEqual([state, 'revoked']);
    expect(await refused(GRANT, 2)).toBe('VOTE_EXISTS');
    await store.close();
    expect(faults()).toEqual([]);
  });

  it('I3: while others are missing, has theirs judged anew', async () => {
    const { approvals, tasks, changes, takeBack, kinds } = await world();
    await approvals.open(anApproval('task', 2), BY);
    await approvals.vote(aVote('alice', 'approve'), { revision: 1, humans: [['alice', 1]] }, undefined, BY);
    const both = { revision: 2, humans: [['alice', 1] as const, ['bob', 1] as const] };
    changes.length = 0;
    expect(await takeBack(TASK, 2)).toMatchObject({ state: 'pending', revision: 3 });
    expect(kinds().slice(-2)).toEqual(['vote.withdraw', 'approval.voted']);
    expect(changes).toMatchObject([{ kind: 'approval', key: TASK }]);
    expect(tasks.get(TASK)?.state).toBe('pending');
    const counted = () => approvals.vote(aVote('bob', 'approve'), both, { state: 'approved', reason: 'x' }, BY);
    expect((await refusalOfAsync(counted)).reason).toBe('DECISION_STALE');
  });

  it('I3: is judged on the request as it is', async () => {
    const { approved, refused } = await world();
    await approved('task', 2);
    expect(await refused(TASK, 2)).toBe('DECISION_STALE');
  });

  it('is taken back once, and by nobody who did not give one', async () => {
    const { approvals, takeBack, refused } = await world();
    await approvals.open(anApproval('task', 2), BY);
    await approvals.vote(aVote('alice', 'approve'), { revision: 1, humans: [['alice', 1]] }, undefined, BY);
    expect(await refused(TASK, 2, 'bob')).toBe('VOTE_NOT_FOUND');
    await takeBack(TASK, 2);
    expect(await refused(TASK, 3)).toBe('VOTE_EXISTS');
    expect(await refused('none', 1)).toBe('APPROVAL_NOT_FOUND');
  });

  it('C4: changes nothing of what is over', async () => {
    const { approvals, tasks, approved, refused } = await world();
    await approved('task');
    await tasks.end(TASK, 'completed', 'exit status 0', BY, NOW + 6);
    expect(await refused(TASK, 2)).toBe('APPROVAL_OVER');
    expect(tasks.get(TASK)).toMatchObject({ end: 'completed' });
    expect(approvals.votes(TASK)).toHaveLength(1);
  });

  it('C2: is theirs alone, as they are now', async () => {
    const { store, approved, refused } = await world();
    await approved('task');
    expect(await refused(TASK, 2, 'alice', 9)).toBe('DECISION_STALE');
    await store.humans.put(aHuman('alice', { keys: [], revision: 2 }), 'key_remove', BY, NOW);
    expect(await refused(TASK, 2, 'alice', 2)).toBe('DECISION_STALE');
    expect(store.tasks.get(TASK)?.state).toBe('pending');
  });

  it('finds the votes of before anybody could, as they were', () => {
    const db = new Database(':memory:');
    const before = migrations.filter(({ number }) => number < 20);
    migrate(db, 'memory', NOW, before);
    db.pragma('foreign_keys = OFF');
    db.exec(
      `INSERT INTO human (name, uids, teams, active, created_at, created_by, revision) VALUES ('alice', '', '', 1, 1, 'x', 1);
       INSERT INTO human_key (fingerprint, human, type, blob, added_at, added_by) VALUES ('f', 'alice', 'ssh-ed25519', 'b', 1, 'x');
       INSERT INTO approval_request VALUES ('r', 'grant', NULL, 'i', 'q', '${'d'.repeat(71)}', 'a', NULL, 1, 1, 1, 9, 'pending', 1, NULL, 1);
       INSERT INTO approval_vote VALUES ('r', 'alice', 'approve', 'f', 2, 'stated', 7, 's', 'g', 5);
       UPDATE approval_request SET state = 'approved', state_reason = 'x'`,
    );
    db.pragma('foreign_keys = ON');
    migrate(db, 'memory', NOW);
    expect(db.prepare('SELECT * FROM approval_vote').raw().all()).toEqual([
      ['r', 'alice', 'approve', 'f', 2, 'stated', 7, 's', 'g', 5],
    ]);
    expect(() => db.exec('UPDATE approval_vote SET strength = 3')).toThrow('a vote is never changed');
    expect(() => db.exec('DELETE FROM approval_vote')).toThrow('kept for good');
    expect(() =>
      db.exec("INSERT INTO approval_vote VALUES ('r', 'bob', 'approve', 'f', 1, 'none', 7, 's', 'g', 5)"),
    ).toThrow('takes no vote');
    db.close();
  });

  it('is kept for good, and none without an approval', async () => {
    const { dir, store, approved, takeBack } = await world();
    await approved('task');
    await takeBack(TASK, 2);
    await store.close();
    const db = new Database(join(dir, 'assay.db'));
    expect(() => db.exec("DELETE FROM approval_vote WHERE decision = 'withdraw'")).toThrow('kept for good');
    expect(() => db.exec("UPDATE approval_vote SET decision = 'reject' WHERE decision = 'withdraw'")).toThrow(
      'a vote is never changed',
    );
    expect(() =>
      db.exec(
        "INSERT INTO approval_vote SELECT request, 'bob', 'withdraw', 'SHA256:bob', 1, proof, counter, statement, signature, at FROM approval_vote LIMIT 1",
      ),
    ).toThrow('did not approve');
    db.close();
  });
});
