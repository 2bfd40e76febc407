// SPDX-License-Identifier: Apache-2.0
/** Writes entries and issuances as fast as they are acknowledged, and prints each acknowledgement. Runs until killed. */
import { writeSync } from 'node:fs';
import { anEntry, anIssuance, BY, furnish, openStore } from './samples.ts';

const dir = process.argv[2] as string;
const store = await openStore(dir);
if (store.lastChangeSeq() === 0) await furnish(store);
const run = `${process.pid}`;

async function write(lane: number): Promise<void> {
  for (let i = 0; ; i += 1) {
    const id = `${run}.${lane}.${i}`;
    if (i % 2 === 0) {
      await store.createEntry(anEntry({ id, selectors: [`unix:path:/${id}`] }), undefined, BY);
      writeSync(1, `entry ${id}\n`);
    } else {
      const issuance = anIssuance();
      const { seq } = await store.record(issuance);
      writeSync(1, `row ${seq} ${issuance.serial}\n`);
    }
  }
}

await Promise.all([0, 1, 2, 3].map(write));
