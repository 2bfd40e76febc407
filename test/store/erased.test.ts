// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { Store } from '../../src/store/store.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anEntry, BY, furnish, NOW } from './samples.ts';

const top = tempDir('erased');
const PERSONAL = 'a-name-that-must-go';

/** Files of the folder in which it can be read. */
const holders = (dir: string): readonly string[] =>
  readdirSync(dir).filter((name) => existsSync(join(dir, name)) && readFileSync(join(dir, name)).includes(PERSONAL));

/** An entry that says it, deleted again. */
async function saidAndDeleted(dir: string): Promise<Store> {
  const store = await openStore(dir);
  await furnish(store);
  await store.createEntry(anEntry({ id: 'p', selectors: [`unix:path:/home/${PERSONAL}/x`] }), undefined, BY);
  await store.deleteEntry('p', BY, NOW);
  return store;
}

async function redactAll(store: Store): Promise<void> {
  for (const { seq, payload } of store.audit.events({}, { limit: 100 }).rows)
    if (payload?.text.includes(PERSONAL)) await store.audit.redact(seq, 'asked for', BY, NOW);
}

it('B5: what is erased is in no file of the folder any more, also while the daemon runs', async () => {
  const dir = join(top, 'a');
  const store = await saidAndDeleted(dir);
  expect(holders(dir)).not.toEqual([]);
  await redactAll(store);
  expect(holders(dir)).toEqual([]);
  await store.close();
  expect(holders(dir)).toEqual([]);
});

it('B5: what is erased while somebody reads an older state goes as soon as that ends, and holds nobody up', async () => {
  const dir = join(top, 'b');
  const store = await saidAndDeleted(dir);
  const reader = new Database(join(dir, 'assay.db'), { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM event').get();
  const began = performance.now();
  await redactAll(store);
  expect(performance.now() - began).toBeLessThan(2_000);
  reader.close();
  for (let tries = 0; tries < 50 && holders(dir).length > 0; tries += 1) await sleep(100);
  expect(holders(dir)).toEqual([]);
  await store.close();
});
