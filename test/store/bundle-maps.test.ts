// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { BundleRecord, Change } from '../../src/store/records.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { BY, NOW } from './samples.ts';

const top = tempDir('bundle-maps-store');

const bundle = (trustDomain: string, text = 'one'): BundleRecord => ({
  trustDomain,
  certificates: [Buffer.from(text)],
  jwtKeys: [],
  sequence: 5n,
  refreshHintSeconds: null,
  updatedAt: NOW,
  updatedBy: BY,
});

async function opened() {
  const dataDir = mkdtempSync(join(top, 'data-'));
  const store = await openStore(dataDir);
  const told: (readonly Change[])[] = [];
  store.onChanges((changes) => told.push(changes));
  for (const name of ['a', 'b', '__proto__']) await store.putBundle(bundle(name));
  return { store, dataDir, told };
}

it('BUN-17: bundles are replaced in one step, with a change for each and no gap', async () => {
  const { store, dataDir, told } = await opened();
  const put = [bundle('a', 'two'), bundle('c')];
  await store.replaceBundles({ put, deleted: ['__proto__', 'b'] }, 3, BY, NOW);
  const at = { at: NOW, by: BY, kind: 'bundle' };
  expect(told.slice(3)).toEqual([
    [
      { seq: 4, ...at, action: 'put', key: 'a', bundle: put[0] },
      { seq: 5, ...at, action: 'put', key: 'c', bundle: put[1] },
      { seq: 6, ...at, action: 'delete', key: '__proto__' },
      { seq: 7, ...at, action: 'delete', key: 'b' },
    ],
  ]);
  await store.close();
  const again = await openStore(dataDir);
  expect([...again.loadBundles()]).toEqual(put);
  expect(again.lastChangeSeq()).toBe(7);
});

it('BUN-17: one that cannot be deleted leaves all as they were', async () => {
  const { store, told } = await opened();
  const refused = await refusalOfAsync(() =>
    store.replaceBundles({ put: [bundle('a', 'two')], deleted: ['b', 'nobody'] }, 3, BY, NOW),
  );
  expect(refused.reason).toBe('BUNDLE_NOT_FOUND');
  expect([told.length, store.lastChangeSeq()]).toEqual([3, 3]);
  expect([...store.loadBundles()]).toEqual([bundle('__proto__'), bundle('a'), bundle('b')]);
});

it('BUN-17: what was decided before another bundle or a relationship changed is refused', async () => {
  const { store } = await opened();
  const put = { put: [bundle('a', 'two')], deleted: [] };
  const late = store.putBundle(bundle('late'));
  expect(await refusalOfAsync(() => store.replaceBundles(put, 3, BY, NOW))).toMatchObject({
    kind: 'aborted',
    reason: 'REVISION_CONFLICT',
  });
  await late;
  await store.putRelationship({
    trustDomain: 'r',
    url: 'https://r/',
    profile: 'https_web',
    endpointSpiffeId: null,
    origin: 'admin',
    createdAt: NOW,
    createdBy: BY,
  });
  expect((await refusalOfAsync(() => store.replaceBundles(put, 4, BY, NOW))).reason).toBe('REVISION_CONFLICT');
  await store.replaceBundles(put, 5, BY, NOW);
  expect([...store.loadBundles()].find(({ trustDomain }) => trustDomain === 'a')).toEqual(put.put[0]);
});
