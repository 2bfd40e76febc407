// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import type { Store } from '../../src/store/store.ts';
import { tempDir } from '../support/temp-dir.ts';
import { storeContract } from './contract.ts';
import { issuingContract } from './contract-issuing.ts';
import { openStore } from './opened.ts';

const top = tempDir('store');
let dir: string;

const open = (): Promise<Store> => {
  dir = mkdtempSync(join(top, 'data-'));
  return openStore(dir);
};
const reopen = async (store: Store): Promise<Store> => {
  await store.close();
  return openStore(dir);
};

describe('the SQLite store', () => storeContract(open, reopen));
describe('the SQLite store, issuing', () => issuingContract(open, reopen));
