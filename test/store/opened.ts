// SPDX-License-Identifier: Apache-2.0
import { afterAll } from '@jest/globals';
import type { SqliteStoreOptions } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { openStore as open } from './samples.ts';

const opened: Store[] = [];

/** A store that is closed when the file is through, also when a test failed before it did so itself. */
export async function openStore(dataDir: string, options: Partial<SqliteStoreOptions> = {}): Promise<Store> {
  const store = await open(dataDir, options);
  opened.push(store);
  return store;
}

afterAll(async () => {
  for (const store of opened) await store.close();
});
