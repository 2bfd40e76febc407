// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { entriesIn } from '../../src/store/packed.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';

const dir = join(tempDir('kill'), 'data');
const writer = join(import.meta.dirname, 'writing-child.ts');

async function acknowledgedBeforeKill(afterMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [writer, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child.stdout, 'data');
  await sleep(afterMs);
  child.kill('SIGKILL');
  await exited;
  return said.split('\n').slice(0, -1);
}

it('I3: what was acknowledged before a kill -9 is there afterwards, and no sequence has a gap', async () => {
  const acknowledged: string[] = [];
  for (const afterMs of [5, 40, 110, 230]) {
    acknowledged.push(...(await acknowledgedBeforeKill(afterMs)));
    const store = await openStore(dir);
    const ids = new Set([...entriesIn(store.loadEntries())].map((entry) => entry.id));
    for (const line of acknowledged) {
      const [kind, what, serial] = line.split(' ');
      if (kind === 'entry') expect(ids.has(what as string)).toBe(true);
      else expect(store.bySerial(serial as string)?.seq).toBe(Number(what));
    }
    // One identity, its first entry, one authority step, then the entries: one change each.
    expect(store.lastChangeSeq()).toBe(3 + ids.size - 1);
    let rows = 0;
    for (let after: string | undefined; ; ) {
      const page = store.list({}, { limit: 1000, ...(after === undefined ? {} : { after }) });
      rows += page.rows.length;
      after = page.next;
      if (after === undefined) break;
    }
    expect(store.lastIssuanceSeq()).toBe(rows);
    await store.close();
  }
  expect(acknowledged.length).toBeGreaterThan(20);
});
