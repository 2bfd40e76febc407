// SPDX-License-Identifier: Apache-2.0
/** Grants on a real database: how they go, what is counted, and what ends with them. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { requestDigest, requestText } from '../../src/approvals/statement.ts';
import type { ApprovalRecord } from '../../src/store/approvals.ts';
import { type GrantRecord, OPEN_GRANTS_PER_IDENTITY } from '../../src/store/grants.ts';
import type { HumanRecord } from '../../src/store/humans.ts';
import type { Change } from '../../src/store/records.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { grantRequest } from '../support/approval.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anIdentity, anIssuance, BY, furnish, NOW } from './samples.ts';

const top = tempDir('grants');
const ID = 'spiffe://td/a';
const GRANT = '01jdqw3h5v8z9k2m4n6p7r8s9t';
const HOUR = 3_600_000;
const REQUEST = grantRequest({ id: GRANT });
let count = 0;

function aGrant(change: Partial<GrantRecord> = {}): GrantRecord {
  return {
    ...{ id: GRANT, identity: ID, intents: [{ target: 'crm', action: 'read', resource: null }], purpose: 'support' },
    ...{ windowFrom: NOW, windowTo: NOW + 8 * HOUR, maxTaskTtlMs: HOUR, maxTasks: 2, used: 0, requestedBy: BY },
    ...{ digest: requestDigest(REQUEST), state: 'requested', stateSince: NOW, stateReason: null, createdAt: NOW },
    ...{ breakGlass: false, revision: 1 },
    ...change,
  };
}

function aTask(no: number, change: Partial<TaskRecord> = {}): TaskRecord {
  const id = `01jdqw3h5v8z9k2m4n6p7r000${no}`;
  return {
    ...{ id, root: id, identity: ID, parent: null, grant: GRANT, depth: 0, purpose: 'ticket 4711' },
    intents: [{ target: 'crm', action: 'read', resource: null }],
    ...{ deadline: NOW + HOUR, pid: 42, uid: 1000, gid: 1000, startTime: '1', attested: '{}', digest: 'ab'.repeat(32) },
    ...{ policyHash: '', state: 'active', stateSince: NOW, end: null, endReason: null, createdAt: NOW, revision: 1 },
    ...change,
  };
}

function anApproval(change: Partial<ApprovalRecord> = {}): ApprovalRecord {
  return {
    ...{ id: GRANT, kind: 'grant', identity: ID, request: requestText(REQUEST), digest: requestDigest(REQUEST) },
    ...{ agent: '{"gids":null,"uids":null}', uid: null, quorum: 1, strength: 1, createdAt: NOW },
    ...{ notAfter: NOW + 8 * HOUR, state: 'pending', stateSince: NOW, stateReason: null, revision: 1 },
    ...change,
  };
}

const ALICE: HumanRecord = {
  ...{ name: 'alice', email: null, uids: [], teams: [], active: true, leftReason: null, createdAt: NOW, createdBy: BY },
  keys: [{ fingerprint: 'SHA256:alice', type: 'ssh-ed25519', blob: 'alice', addedAt: NOW, addedBy: BY, vouched: null }],
  revision: 1,
};

async function world() {
  count += 1;
  const dir = join(top, `${count}`);
  const store = await openStore(dir);
  await furnish(store);
  await store.humans.put(ALICE, 'add', BY, NOW);
  const changes: Change[] = [];
  store.onChanges((told) => void changes.push(...told));
  const { grants, tasks, approvals } = store;
  const approve = async (): Promise<void> => {
    await approvals.open(anApproval(), BY);
    await grants.step(GRANT, 'pending', null, BY, NOW);
    const vote = { request: GRANT, human: 'alice', decision: 'approve', fingerprint: 'SHA256:alice' } as const;
    const rest = { strength: 1, proof: 'none', counter: null, statement: 's', signature: 's', at: NOW };
    await approvals.vote(
      { ...vote, ...rest },
      { revision: 1, humans: [['alice', 1]] },
      { state: 'approved', reason: 'approved by alice' },
      BY,
    );
  };
  const active = async (change: Partial<GrantRecord> = {}): Promise<void> => {
    await grants.create(aGrant(change), BY);
    await approve();
    expect(await grants.step(GRANT, 'active', 'approved by alice', BY, NOW)).toBe(true);
  };
  const faults = () =>
    verifyDatabase({
      databasePath: join(dir, 'assay.db'),
      markPath: join(dir, 'high-water-mark'),
      verifier: undefined,
      outside: [],
    }).faults.map(({ row, what }) => `${row}: ${what}`);
  const refused = async (run: () => Promise<unknown>) => (await refusalOfAsync(run)).reason;
  return { dir, store, grants, tasks, approvals, approve, active, changes, faults, refused };
}

describe('a grant', () => {
  it('C3: for an emergency is begun by two people whom their keys knew, however it came to be asked for', async () => {
    const { grants, approve, refused } = await world();
    await grants.create(aGrant({ breakGlass: true }), BY);
    await approve();
    expect(await refused(() => grants.step(GRANT, 'active', 'approved by alice', BY, NOW))).toBe('GRANT_NOT_APPROVED');
    expect(grants.get(GRANT)).toMatchObject({ breakGlass: true, state: 'pending' });
  });

  it('comes back as it was asked for, stands in the log, and is begun by votes alone', async () => {
    const { store, grants, approvals, approve, changes, faults, refused } = await world();
    await grants.create(aGrant(), BY);
    expect(grants.get(GRANT)).toEqual(aGrant());
    expect(grants.list({ state: 'requested', identity: ID }, { limit: 9 }).rows).toEqual([aGrant()]);
    expect(await grants.step(GRANT, 'active', null, BY, NOW)).toBe(false);
    await grants.step(GRANT, 'pending', null, BY, NOW);
    expect(await refused(() => grants.step(GRANT, 'active', null, BY, NOW))).toBe('GRANT_NOT_APPROVED');
    await approve();
    expect(approvals.get(GRANT)?.state).toBe('approved');
    // After the end of its approval there is none.
    expect(await refused(() => grants.step(GRANT, 'active', null, BY, NOW + 8 * HOUR))).toBe('GRANT_NOT_APPROVED');
    expect(await grants.step(GRANT, 'active', 'approved by alice', BY, NOW + 1)).toBe(true);
    expect(grants.open()).toEqual([
      aGrant({ state: 'active', stateSince: NOW + 1, stateReason: 'approved by alice', revision: 3 }),
    ]);
    expect(changes.filter(({ kind }) => kind === 'grant')).toHaveLength(3);
    const kinds = store.audit.events({ kind: 'grant.' }, { limit: 9 }).rows.map(({ kind }) => kind);
    expect(kinds).toEqual(['grant.requested', 'grant.pending', 'grant.active']);
    expect(faults()).toEqual([]);
    await store.close();
  });

  it('is not begun by the votes on another request', async () => {
    const { store, grants, approve, refused } = await world();
    await grants.create(aGrant({ digest: `sha256:${'0'.repeat(64)}` }), BY);
    await approve();
    expect(await refused(() => grants.step(GRANT, 'active', null, BY, NOW))).toBe('GRANT_NOT_APPROVED');
    await store.close();
  });

  it('is refused of an identity that ends sooner, and beyond so many open ones', async () => {
    const { store, grants, refused } = await world();
    const late = Number.MAX_SAFE_INTEGER;
    expect(await refused(() => grants.create(aGrant({ windowTo: late }), BY))).toBe('DECISION_STALE');
    for (let at = 0; at < OPEN_GRANTS_PER_IDENTITY; at += 1)
      await grants.create(aGrant({ id: `01jdqw3h5v8z9k2m4n6p7r01${String(at).padStart(2, '0')}` }), BY);
    expect(await refused(() => grants.create(aGrant(), BY))).toBe('LIMIT_REACHED');
    await store.close();
  });

  it.each(['exhausted', 'expired', 'revoked', 'denied'])(
    'that is %s is never changed, and none is deleted',
    async (end) => {
      const { dir, store, grants, tasks, active } = await world();
      if (end === 'denied') {
        await grants.create(aGrant(), BY);
        await grants.step(GRANT, 'denied', 'no', BY, NOW);
      } else await active({ maxTasks: 1 });
      if (end === 'exhausted') await tasks.create(aTask(1), 1, ID);
      if (end === 'expired') await grants.step(GRANT, 'expired', 'its window is over', BY, NOW + 8 * HOUR);
      if (end === 'revoked') await grants.revoke(GRANT, 'no longer', BY, NOW);
      const stood = grants.get(GRANT);
      expect(stood?.state).toBe(end);
      for (const to of ['pending', 'active', 'denied', 'expired'] as const)
        expect(await grants.step(GRANT, to, null, BY, NOW)).toBe(false);
      await grants.revoke(GRANT, 'again', BY, NOW);
      expect(grants.get(GRANT)).toEqual(stood);
      await store.close();
      const db = new Database(join(dir, 'assay.db'));
      expect(() => db.exec("UPDATE grant SET state = 'active'")).toThrow('a grant that is over is never changed');
      expect(() => db.exec('DELETE FROM grant')).toThrow('a grant is kept for good');
      db.close();
    },
  );

  it('gives what was asked for, goes forward only, and counts a use once', async () => {
    const { dir, store, tasks, active } = await world();
    await active();
    await tasks.create(aTask(1), 1, ID);
    await store.close();
    const db = new Database(join(dir, 'assay.db'));
    expect(() => db.exec('UPDATE grant SET max_tasks = 9')).toThrow('what a grant gives is never changed');
    expect(() => db.exec("UPDATE grant SET state = 'pending'")).toThrow('a grant goes forward only');
    expect(() => db.exec('UPDATE grant SET used = 0')).toThrow('a use is counted once and never given back');
    expect(() => db.exec('UPDATE task SET grant = NULL')).toThrow('a task keeps its grant');
    db.close();
  });
});

describe('a task under a grant', () => {
  it('raises what was used in the step that begins it, and the last one exhausts it', async () => {
    const { store, grants, tasks, active, changes, faults } = await world();
    await active();
    await tasks.create(aTask(1), 1, ID);
    expect(grants.get(GRANT)).toMatchObject({ used: 1, state: 'active' });
    expect(tasks.get(aTask(1).id)).toEqual(aTask(1));
    await tasks.create(aTask(2), 1, ID);
    expect(grants.get(GRANT)).toMatchObject({ used: 2, state: 'exhausted', stateReason: 'all its tasks have begun' });
    const told = changes.slice(-4).map((change) => [change.kind, change.seq]);
    const [[, first]] = told as [[string, number]];
    expect(told).toEqual(['grant', 'task', 'grant', 'task'].map((kind, at) => [kind, first + at]));
    const { rows } = store.audit.events({ kind: 'grant.' }, { limit: 9 });
    expect(rows.slice(-2).map(({ kind, task }) => [kind, task])).toEqual([
      ['grant.used', aTask(1).id],
      ['grant.exhausted', aTask(2).id],
    ]);
    expect(faults()).toEqual([]);
    await store.close();
  });

  it('I3: of two for the last use one begins, and nothing of the other is there', async () => {
    const { store, grants, tasks, active, faults } = await world();
    await active({ maxTasks: 1 });
    const both = await Promise.allSettled([1, 2].map((no) => tasks.create(aTask(no), 1, ID)));
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(both[1]).toMatchObject({ reason: { reason: 'DECISION_STALE' } });
    expect(tasks.get(aTask(2).id)).toBeUndefined();
    expect(grants.get(GRANT)?.used).toBe(1);
    expect(faults()).toEqual([]);
    await store.close();
  });

  it('draws when it leaves pending, and not before', async () => {
    const { store, grants, tasks, active } = await world();
    await active();
    const waiting = aTask(1, { state: 'pending' });
    await tasks.create(waiting, 1, ID);
    expect(grants.get(GRANT)?.used).toBe(0);
    await tasks.activate({ ...waiting, state: 'active', revision: 2 }, 1, ID, NOW);
    expect(grants.get(GRANT)?.used).toBe(1);
    await tasks.create(aTask(2, { state: 'denied', end: 'policy' }), 1, ID);
    expect(grants.get(GRANT)?.used).toBe(1);
    await store.close();
  });

  it.each([
    ['before its window', { windowFrom: NOW + 1 }, {}],
    ['after its window', { windowFrom: NOW - HOUR, windowTo: NOW + HOUR }, { at: NOW + HOUR, deadline: NOW + HOUR }],
    ['beyond the end of its window', { windowTo: NOW + HOUR - 1 }, {}],
    ['longer than it lets one be', { maxTaskTtlMs: HOUR - 1 }, {}],
    ['of another identity', {}, { identity: 'spiffe://td/b' }],
  ])('is refused %s', async (_, change, { at = NOW, ...task }: Partial<TaskRecord> & { at?: number }) => {
    const { store, grants, tasks, active, refused } = await world();
    if (task.identity !== undefined) await store.createIdentity(anIdentity({ spiffeId: task.identity }), BY);
    await active(change);
    const one = aTask(1, { ...task, stateSince: at, createdAt: Math.min(at, NOW) });
    expect(await refused(() => tasks.create(one, 1, ID))).toBe('DECISION_STALE');
    expect(grants.get(GRANT)?.used).toBe(0);
    await store.close();
  });

  it('is refused where the grant is not active', async () => {
    const { store, grants, tasks, refused } = await world();
    await grants.create(aGrant(), BY);
    expect(await refused(() => tasks.create(aTask(1), 1, ID))).toBe('DECISION_STALE');
    await store.close();
  });

  it.each([1, 2])(
    'I7: ends with its grant in one step, also below and with what it was given (most tasks: %d)',
    async (most) => {
      const { store, grants, tasks, active, changes, faults } = await world();
      await active({ maxTasks: most });
      await tasks.create(aTask(1), 1, ID);
      await tasks.create(aTask(3, { grant: null, parent: aTask(1).id, root: aTask(1).id, depth: 1 }), 1, ID);
      await tasks.create(aTask(4, { grant: null }), 1, ID);
      await store.record(anIssuance({ task: aTask(1).id }));
      changes.length = 0;
      const ended = await grants.revoke(GRANT, 'ticket closed', BY, NOW + 1);
      expect(ended.map(({ task, revoked }) => [task.id, task.end, revoked.length])).toEqual([
        [aTask(1).id, 'revoked', 1],
        [aTask(3).id, 'parent', 0],
      ]);
      expect(ended[0]?.task.endReason).toBe(`grant ${GRANT} was revoked: ticket closed`);
      expect(grants.get(GRANT)?.state).toBe(most === 1 ? 'exhausted' : 'revoked');
      expect(changes.map(({ kind }) => kind)).toEqual([
        ...(most === 1 ? [] : ['grant']),
        ...['task', 'revocation', 'task'],
      ]);
      expect(tasks.live().map(({ id }) => id)).toEqual([aTask(4).id]);
      expect(faults()).toEqual([]);
      await store.close();
    },
  );

  it('one that nobody approved yet is denied when it is taken back; one that is not there is told', async () => {
    const { store, grants, refused } = await world();
    await grants.create(aGrant(), BY);
    expect(await grants.revoke(GRANT, 'no', BY, NOW)).toEqual([]);
    expect(grants.get(GRANT)).toMatchObject({ state: 'denied', stateReason: 'no' });
    expect(await refused(() => grants.revoke('nothing', 'no', BY, NOW))).toBe('GRANT_NOT_FOUND');
    await store.close();
  });
});
