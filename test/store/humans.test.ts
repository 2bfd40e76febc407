// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { HumanRecord } from '../../src/store/humans.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anIdentity, BY, NOW } from './samples.ts';

const top = tempDir('humans');
const key = { fingerprint: 'SHA256:a', type: 'ssh-ed25519', blob: 'AAAA', addedAt: NOW, addedBy: BY, vouched: null };
const alice: HumanRecord = {
  name: 'alice',
  email: null,
  uids: [1000],
  teams: ['ops', 'web'],
  keys: [key],
  active: true,
  leftReason: null,
  createdAt: NOW,
  createdBy: BY,
  revision: 1,
};

it('I3: two writers from one revision: the second is told; C2: a key is one person’s', async () => {
  const store = await openStore(join(top, 'one'));
  await store.humans.put(alice, 'add', BY, NOW);
  expect((await refusalOfAsync(() => store.humans.put(alice, 'key_add', BY, NOW))).reason).toBe('REVISION_CONFLICT');
  const bob = { ...alice, name: 'bob', uids: [] };
  expect((await refusalOfAsync(() => store.humans.put(bob, 'add', BY, NOW))).reason).toBe('HUMAN_KEY_TAKEN');
  expect(store.humans.load()).toEqual([alice]);
});

it('C1: nothing active is written that nobody answers for, whatever the registry thought', async () => {
  const store = await openStore(join(top, 'four'));
  const owned = (owner: string, state: 'active' | 'draft' = 'active') => ({ ...anIdentity(), owner, state });
  for (const owner of ['human:alice', 'team:ops', 'team:o', 'human:'])
    expect((await refusalOfAsync(() => store.createIdentity(owned(owner), BY))).reason).toBe('OWNER_GONE');
  await store.humans.put(alice, 'add', BY, NOW);
  expect((await refusalOfAsync(() => store.createIdentity(owned('team:o'), BY))).reason).toBe('OWNER_GONE');
  // Somebody in no team is not in a team without a name.
  await store.humans.put({ ...alice, name: 'bob', uids: [], teams: [], keys: [] }, 'add', BY, NOW);
  expect((await refusalOfAsync(() => store.createIdentity(owned('team:'), BY))).reason).toBe('OWNER_GONE');
  await store.createIdentity(owned('team:ops'), BY);
  expect((await refusalOfAsync(() => store.updateIdentity({ ...owned('team:ops web'), revision: 2 }, BY))).reason).toBe(
    'OWNER_GONE',
  );
});

it('I3: a person who leaves and what is suspended for it are one step, or none of it', async () => {
  const store = await openStore(join(top, 'two'));
  await store.humans.put(alice, 'add', BY, NOW);
  await store.createIdentity({ ...anIdentity(), owner: 'team:ops' }, BY);
  const left = { ...alice, active: false, leftReason: 'left', revision: 2 };
  const stale = await refusalOfAsync(() => store.humans.put({ ...left, revision: 3 }, 'leave', BY, NOW));
  expect([stale.reason, store.humans.load()[0]?.active]).toEqual(['REVISION_CONFLICT', true]);
  const suspended = await store.humans.put(left, 'leave', BY, NOW);
  expect(suspended).toEqual([
    {
      ...anIdentity(),
      owner: 'team:ops',
      state: 'suspended',
      stateReason: 'owner team:ops left',
      stateSince: NOW,
      revision: 2,
    },
  ]);
  expect(store.listIdentities({}, { limit: 9 }).rows).toEqual(suspended);
  const kinds = store.audit.events({}, { limit: 2 }, true).rows.map(({ kind }) => kind);
  expect(kinds).toEqual(['identity.suspend', 'human.leave']);
});

it('B5: a person or a key that was changed behind our back is named', async () => {
  const dir = join(top, 'three');
  const store = await openStore(dir);
  await store.humans.put(alice, 'add', BY, NOW);
  await store.close();
  const faults = (): readonly string[] =>
    verifyDatabase({
      databasePath: join(dir, 'assay.db'),
      markPath: join(dir, 'high-water-mark'),
      verifier: undefined,
      outside: [],
    }).faults.map(({ row, what }) => `${row}: ${what}`);
  expect(faults()).toEqual([]);
  const db = new Database(join(dir, 'assay.db'));
  db.exec(`UPDATE human_key SET blob = 'BBBB'`);
  expect(faults()).toEqual([expect.stringMatching(/^human "alice": it is not as event 1 wrote it: keys$/)]);
  db.exec(`UPDATE human_key SET blob = 'AAAA'; UPDATE human SET active = 0`);
  expect(faults()).toEqual([expect.stringMatching(/^human "alice": .*: active$/)]);
  db.close();
});
