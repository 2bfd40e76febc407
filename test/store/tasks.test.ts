// SPDX-License-Identifier: Apache-2.0
/** Tasks on a real database: begun, ended with all below them, and what was given in them. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { Change } from '../../src/store/records.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anIdentity, anIssuance, BY, furnish, NOW } from './samples.ts';

const top = tempDir('tasks');
const HOUR = 3_600_000;
const ID = 'spiffe://td/a';
let count = 0;

function aTask(change: Partial<TaskRecord> = {}): TaskRecord {
  const id = change.id ?? '01jdqw3h5v8z9k2m4n6p7r8s9t';
  return {
    id,
    identity: ID,
    parent: null,
    grant: null,
    root: id,
    depth: 0,
    purpose: 'ticket 4711',
    intents: [
      { target: 'crm', action: 'read', resource: null },
      { target: 'payments', action: 'refund', resource: 'order 7' },
    ],
    deadline: NOW + HOUR,
    pid: 4242,
    uid: 1000,
    gid: 1000,
    startTime: '123456789',
    attested: '{}',
    digest: 'ab'.repeat(32),
    policyHash: '',
    state: 'active',
    stateSince: NOW,
    end: null,
    endReason: null,
    createdAt: NOW,
    revision: 1,
    ...change,
  };
}

async function world() {
  count += 1;
  const dir = join(top, `${count}`);
  const store = await openStore(dir);
  await furnish(store);
  const changes: Change[] = [];
  store.onChanges((told) => void changes.push(...told));
  const given = (task: string, change = {}) =>
    store.record(anIssuance({ task, notAfter: NOW + HOUR, issuedAt: NOW, ...change }));
  const faults = () =>
    verifyDatabase({
      databasePath: join(dir, 'assay.db'),
      markPath: join(dir, 'high-water-mark'),
      verifier: undefined,
      outside: [],
    }).faults.map(({ row, what }) => `${row}: ${what}`);
  return { dir, store, changes, given, faults };
}

const child = (id: string, parent: TaskRecord, change: Partial<TaskRecord> = {}) =>
  aTask({ id, parent: parent.id, root: parent.root, depth: parent.depth + 1, ...change });

describe('a task', () => {
  it('comes back as it was put, and stands in the log under its own name', async () => {
    const { store, changes, faults } = await world();
    await store.tasks.create(aTask(), 1, BY);
    expect(store.tasks.get(aTask().id)).toEqual(aTask());
    expect(store.tasks.live()).toEqual([aTask()]);
    expect(store.tasks.list({ state: 'active', identity: ID }, { limit: 9 }).rows).toEqual([aTask()]);
    expect(store.tasks.list({ parent: 'none' }, { limit: 9 }).rows).toEqual([]);
    expect(changes).toMatchObject([{ kind: 'task', key: aTask().id, task: aTask() }]);
    const [event] = store.audit.events({ kind: 'task.' }, { limit: 9 }).rows;
    expect([event?.kind, event?.task, event?.identity]).toEqual(['task.active', aTask().id, ID]);
    await store.close();
    expect(faults()).toEqual([]);
  });

  it('I3: begins only of an identity that is active as it was decided on', async () => {
    const { store } = await world();
    const stale = async (task: TaskRecord, revision: number) =>
      (await refusalOfAsync(() => store.tasks.create(task, revision, BY))).reason;
    expect(await stale(aTask(), 2)).toBe('DECISION_STALE');
    expect(await stale(aTask({ identity: 'spiffe://td/none' }), 1)).toBe('DECISION_STALE');
    const { expiresAt } = anIdentity();
    expect(await stale(aTask({ stateSince: expiresAt, createdAt: expiresAt, deadline: expiresAt + 1 }), 1)).toBe(
      'DECISION_STALE',
    );
    await store.updateIdentity({ ...anIdentity(), state: 'suspended', stateReason: 'x', revision: 2 }, BY);
    expect(await stale(aTask(), 2)).toBe('DECISION_STALE');
    const denied = aTask({ state: 'denied', end: 'policy', endReason: 'suspended' });
    await store.tasks.create(denied, 2, BY);
    expect(store.tasks.get(denied.id)?.state).toBe('denied');
  });

  it('waits as pending, and becomes active once', async () => {
    const { store } = await world();
    const pending = aTask({ state: 'pending' });
    await store.tasks.create(pending, 1, BY);
    const active = { ...pending, state: 'active', stateSince: NOW + 5, policyHash: 'cd', revision: 2 } as const;
    expect((await refusalOfAsync(() => store.tasks.activate(active, 7, BY, NOW + 5))).reason).toBe('DECISION_STALE');
    await store.tasks.activate(active, 1, BY, NOW + 5);
    expect(store.tasks.get(pending.id)).toEqual(active);
    expect((await refusalOfAsync(() => store.tasks.activate(active, 1, BY, NOW + 5))).reason).toBe('REVISION_CONFLICT');
  });
});

describe('what is given in a task', () => {
  it('I5: is recorded only while it is active, of its own identity, and for no longer than it lasts', async () => {
    const { store, given } = await world();
    const stale = async (run: () => Promise<unknown>) => (await refusalOfAsync(run)).reason;
    expect(await stale(() => given('none'))).toBe('DECISION_STALE');
    await store.tasks.create(aTask({ state: 'pending' }), 1, BY);
    expect(await stale(() => given(aTask().id))).toBe('DECISION_STALE');
    const second = aTask({ id: '01jdqw3h5v8z9k2m4n6p7r8s9v' });
    await store.tasks.create(second, 1, BY);
    await given(second.id);
    expect(await stale(() => given(second.id, { notAfter: NOW + HOUR + 1 }))).toBe('DECISION_STALE');
    await store.tasks.end(second.id, 'completed', 'done', BY, NOW + 9);
    expect(await stale(() => given(second.id))).toBe('DECISION_STALE');
  });

  it('B5: names it in row and event, and a row that names another is found', async () => {
    const { dir, store, given, faults } = await world();
    await store.tasks.create(aTask(), 1, BY);
    await given(aTask().id);
    const [event] = store.audit.events({ kind: 'issue.' }, { limit: 9 }).rows;
    expect(event?.task).toBe(aTask().id);
    await store.close();
    expect(faults()).toEqual([]);
    const db = new Database(join(dir, 'assay.db'));
    db.exec('UPDATE issuance SET task = NULL');
    expect(faults()).toEqual([expect.stringMatching(/task is not that of its event/)]);
    db.close();
  });
});

describe('the end of a task', () => {
  it('I7: takes along what it was given and all below it, in one step, and is told in order', async () => {
    const { store, changes, given } = await world();
    const first = aTask();
    const second = child('01jdqw3h5v8z9k2m4n6p7r8s9v', first);
    const third = child('01jdqw3h5v8z9k2m4n6p7r8s9w', second, { state: 'pending' });
    for (const task of [first, second, third]) await store.tasks.create(task, 1, BY);
    await given(first.id);
    await given(second.id);
    await store.record(anIssuance({ notAfter: NOW + HOUR }));
    changes.length = 0;
    const before = store.lastChangeSeq();
    const ended = await store.tasks.end(first.id, 'abandoned', 'the stream closed', BY, NOW + 9);
    expect(ended.map(({ task, revoked }) => [task.id, task.state, task.end, revoked.length])).toEqual([
      [first.id, 'ended', 'abandoned', 1],
      [second.id, 'ended', 'parent', 1],
      [third.id, 'denied', 'parent', 0],
    ]);
    expect(changes.map(({ kind, seq }) => [kind, seq - before])).toEqual([
      ['task', 1],
      ['revocation', 2],
      ['task', 3],
      ['revocation', 4],
      ['task', 5],
    ]);
    expect(store.revocations.unexpired(NOW)).toHaveLength(2);
    expect(store.tasks.live()).toEqual([]);
  });

  it('is final: ending it again changes nothing, and no program can', async () => {
    const { dir, store } = await world();
    await store.tasks.create(aTask(), 1, BY);
    await store.tasks.end(aTask().id, 'completed', 'done', BY, NOW + 9);
    expect(await store.tasks.end(aTask().id, 'failed', 'again', BY, NOW + 10)).toEqual([]);
    expect(store.tasks.get(aTask().id)?.endReason).toBe('done');
    expect((await refusalOfAsync(() => store.tasks.end('none', 'failed', '', BY, NOW))).reason).toBe('TASK_NOT_FOUND');
    await store.close();
    const db = new Database(join(dir, 'assay.db'));
    expect(() => db.exec("UPDATE task SET state = 'active', end = NULL")).toThrow(/never changed/);
    expect(() => db.exec('DELETE FROM task')).toThrow(/kept for good/);
    db.close();
  });

  it('I5: of a parent is the latest end of a child', async () => {
    const { store } = await world();
    await store.tasks.create(aTask(), 1, BY);
    const late = child('01jdqw3h5v8z9k2m4n6p7r8s9v', aTask(), { deadline: NOW + HOUR + 1 });
    expect((await refusalOfAsync(() => store.tasks.create(late, 1, BY))).reason).toBe('DECISION_STALE');
    await store.tasks.end(aTask().id, 'completed', 'done', BY, NOW + 9);
    const orphan = child('01jdqw3h5v8z9k2m4n6p7r8s9v', aTask());
    expect((await refusalOfAsync(() => store.tasks.create(orphan, 1, BY))).reason).toBe('DECISION_STALE');
  });

  it('I7: comes with the suspension of its identity, in the same step', async () => {
    const { store, changes, given, faults } = await world();
    const second = child('01jdqw3h5v8z9k2m4n6p7r8s9v', aTask());
    for (const task of [aTask(), second]) await store.tasks.create(task, 1, BY);
    await given(second.id);
    await store.record(anIssuance({ notAfter: NOW + HOUR }));
    changes.length = 0;
    const before = store.lastChangeSeq();
    await store.updateIdentity({ ...anIdentity(), state: 'suspended', stateReason: 'incident', revision: 2 }, BY);
    expect(changes.map(({ kind, seq }) => [kind, seq - before])).toEqual([
      ['identity', 1],
      ['task', 2],
      ['task', 3],
      ['revocation', 4],
      ['revocation', 5],
    ]);
    expect(store.tasks.get(aTask().id)).toMatchObject({ state: 'ended', end: 'revoked' });
    expect(store.tasks.get(second.id)).toMatchObject({ state: 'ended', end: 'parent' });
    await store.close();
    expect(faults()).toEqual([]);
  });
});
