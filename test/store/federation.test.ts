// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { Change, FederationRecord } from '../../src/store/records.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { BY, NOW } from './samples.ts';

const top = tempDir('federation-store');
const WEB: FederationRecord = {
  trustDomain: '__proto__',
  url: 'https://a.example/',
  profile: 'https_web',
  endpointSpiffeId: null,
  origin: 'admin',
  createdAt: NOW,
  createdBy: BY,
};
const SPIFFE: FederationRecord = {
  ...WEB,
  trustDomain: 'b.example',
  profile: 'https_spiffe',
  endpointSpiffeId: 'spiffe://b.example/x',
  origin: 'config',
};
const BUNDLE = {
  certificates: [Buffer.from('one')],
  jwtKeys: [],
  sequence: 5n,
  refreshHintSeconds: 60,
  updatedAt: NOW,
  updatedBy: BY,
};

async function opened() {
  const dataDir = mkdtempSync(join(top, 'data-'));
  const store = await openStore(dataDir);
  const changes: Change[] = [];
  store.onChanges((told) => changes.push(...told));
  return { store, dataDir, told: () => changes.map(({ seq, kind, action, key }) => [seq, kind, action, key]) };
}

it('ID-19: relationships come back as they were put, the newest in the place of the older', async () => {
  const { store, dataDir, told } = await opened();
  await store.putRelationship({ ...WEB, url: 'https://older.example/' });
  await store.putRelationship(WEB);
  await store.putRelationship(SPIFFE);
  expect(told()).toEqual([
    [1, 'federation', 'put', '__proto__'],
    [2, 'federation', 'put', '__proto__'],
    [3, 'federation', 'put', 'b.example'],
  ]);
  await store.close();
  expect((await openStore(dataDir)).loadRelationships()).toEqual([WEB, SPIFFE]);
});

it('FED-24: one that ends takes its bundle along in one step, and no other', async () => {
  const { store, told } = await opened();
  await store.putRelationship(SPIFFE);
  for (const trustDomain of ['b.example', 'c.example']) await store.putBundle({ trustDomain, ...BUNDLE });
  await store.deleteRelationship('b.example', BY, NOW);
  expect([...store.loadBundles()].map(({ trustDomain }) => trustDomain)).toEqual(['c.example']);
  expect(told().slice(3)).toEqual([
    [4, 'federation', 'delete', 'b.example'],
    [5, 'bundle', 'delete', 'b.example'],
  ]);
  expect(store.lastChangeSeq()).toBe(5);
});

it('one without a bundle ends once', async () => {
  const { store, told } = await opened();
  await store.putRelationship(WEB);
  await store.deleteRelationship('__proto__', BY, NOW);
  expect(told()).toHaveLength(2);
  const again = await refusalOfAsync(() => store.deleteRelationship('__proto__', BY, NOW));
  expect([again.kind, again.reason]).toEqual(['not-found', 'FEDERATION_NOT_FOUND']);
});
