// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';

const top = tempDir('lock');
const holder = join(import.meta.dirname, 'writing-child.ts');

it('a second daemon is refused, naming the folder and the first', async () => {
  const dir = join(top, 'a');
  const store = await openStore(dir);
  const refused = await refusalOfAsync(() => openStore(dir));
  expect([refused.kind, refused.reason, refused.value]).toEqual(['failed-precondition', 'DATA_DIR_IN_USE', dir]);
  expect(refused.message).toBe(`${dir} is in use by the daemon with pid ${process.pid}`);
  // The refused one leaves the first unharmed, and its lock.
  await store.setMetaOnce('still', 'here');
  expect((await refusalOfAsync(() => openStore(dir))).reason).toBe('DATA_DIR_IN_USE');
  await store.close();
  await (await openStore(dir)).close();
});

it('the lock dies with its process', async () => {
  const dir = join(top, 'b');
  const child = spawn(process.execPath, [holder, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    const refused = await refusalOfAsync(() => openStore(dir));
    expect(refused.message).toBe(`${dir} is in use by the daemon with pid ${child.pid}`);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await (await openStore(dir)).close();
});
