// SPDX-License-Identifier: Apache-2.0
/** Targets: written whole, retired for good, each step with its event. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { Change } from '../../src/store/records.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import type { TargetRecord } from '../../src/store/targets.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { BY, NOW } from './samples.ts';

const top = tempDir('targets');
let count = 0;

async function world() {
  count += 1;
  const dir = join(top, `data-${count}`);
  const store = await openStore(dir);
  const changes: Change[] = [];
  store.onChanges((told) => void changes.push(...told));
  return { dir, store, changes };
}

const crm: TargetRecord = {
  name: 'crm',
  owner: 'human:alice',
  environment: 'prod',
  impact: 'low',
  intents: ['read', 'write'],
  audiences: ['https://crm.example.org', 'crm'],
  thirdParty: true,
  irrevocable: ['write'],
  reviewBy: NOW + 5,
  expiresAt: NOW + 10,
  createdAt: NOW,
  createdBy: BY,
  retiredAt: null,
  retiredBy: null,
  retireReason: null,
  revision: 1,
};
const retired = { ...crm, retiredAt: NOW + 1, retiredBy: BY, retireReason: 'gone', revision: 2 };

describe('a target', () => {
  it('is written with its event, told of, and there after a restart', async () => {
    const { store, dir, changes } = await world();
    await store.targets.put(crm, 'put', BY, NOW);
    await store.targets.put({ ...crm, impact: 'high', revision: 2 }, 'put', BY, NOW + 1);
    expect(changes).toMatchObject([
      { kind: 'target', key: 'crm', target: crm },
      { kind: 'target', target: { impact: 'high' } },
    ]);
    expect(store.audit.events({ kind: 'target.' }, { limit: 9 }).rows.map(({ kind, actor }) => [kind, actor])).toEqual([
      ['target.put', BY],
      ['target.put', BY],
    ]);
    await store.close();
    const again = await openStore(dir);
    expect(again.targets.load()).toEqual([{ ...crm, impact: 'high', revision: 2 }]);
    await again.close();
    expect(
      verifyDatabase({
        databasePath: join(dir, 'assay.db'),
        markPath: join(dir, 'high-water-mark'),
        verifier: undefined,
        outside: [],
      }).faults,
    ).toEqual([]);
  });

  it('I3: is not written over what somebody else wrote meanwhile', async () => {
    const { store } = await world();
    await store.targets.put(crm, 'put', BY, NOW);
    await expect(store.targets.put(crm, 'put', BY, NOW)).rejects.toMatchObject({ reason: 'REVISION_CONFLICT' });
    await expect(store.targets.put({ ...crm, revision: 3 }, 'put', BY, NOW)).rejects.toMatchObject({
      reason: 'REVISION_CONFLICT',
    });
  });

  it('C1: that is retired is never another again', async () => {
    const { store, dir } = await world();
    await store.targets.put(crm, 'put', BY, NOW);
    await store.targets.put(retired, 'retire', BY, NOW + 1);
    await expect(store.targets.put({ ...crm, revision: 3 }, 'put', BY, NOW)).rejects.toMatchObject({
      reason: 'TARGET_RETIRED',
    });
    await store.close();
    const db = new Database(join(dir, 'assay.db'));
    expect(() => db.exec('DELETE FROM target')).toThrow('kept for good');
    expect(() => db.exec('UPDATE target SET retired_at = NULL')).toThrow('never changed');
    db.close();
  });

  it('C1: has no audience of another, unless that is retired', async () => {
    const { store } = await world();
    await store.targets.put(crm, 'put', BY, NOW);
    const other = { ...crm, name: 'other', audiences: ['crm'] };
    await expect(store.targets.put(other, 'put', BY, NOW)).rejects.toMatchObject({
      reason: 'TARGET_AUDIENCE_TAKEN',
      message: expect.stringContaining('"crm"'),
    });
    await store.targets.put({ ...other, audiences: ['cr', 'crm.', '%', 'https://crm.example.or'] }, 'put', BY, NOW);
    await store.targets.put(retired, 'retire', BY, NOW);
    await store.targets.put({ ...other, name: 'third' }, 'put', BY, NOW);
  });

  it('without audiences may be one of several', async () => {
    const { store } = await world();
    await store.targets.put({ ...crm, audiences: [] }, 'put', BY, NOW);
    await store.targets.put({ ...crm, name: 'b', audiences: [] }, 'put', BY, NOW);
    expect(store.targets.load().map(({ name, audiences }) => [name, audiences])).toEqual([
      ['b', []],
      ['crm', []],
    ]);
  });
});
