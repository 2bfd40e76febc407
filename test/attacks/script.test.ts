// SPDX-License-Identifier: Apache-2.0
/** A whole daemon tells two scripts of one interpreter and one uid apart, and says that it only took their word (attack A1). */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Daemon, top } from '../support/daemon.ts';
import { LineProgram } from '../support/line-program.ts';
import { tempDir } from '../support/temp-dir.ts';

const ID = 'spiffe://example.org/job';
const folder = tempDir('scripts');
const started: LineProgram[] = [];
let daemon: Daemon;

beforeAll(async () => {
  daemon = await Daemon.start({ config: ['attestors: { unix: {}, script: {} }'] });
});
afterAll(async () => {
  for (const one of started) await one.end();
  await daemon.close();
});

async function codeOf(name: string): Promise<number> {
  const script = join(folder, name);
  copyFileSync(join(top, 'test/support/launched-program.ts'), script);
  const one = new LineProgram(process.execPath, ['--no-warnings', script, daemon.workloadSocket]);
  started.push(one);
  await one.heard('ready');
  one.say('fetch');
  return (await one.heard('fetched', 20_000))['code'] as number;
}

it('A1: an entry of a script alone needs that its operator accepts it', async () => {
  const entry = { spiffe_id: ID, selectors: [`script:path:${join(folder, 'job.ts')}`] };
  await expect(daemon.admin.call('CreateEntry', { entry })).rejects.toThrow(/claimed/);
  await daemon.admin.call('CreateEntry', { entry, accept_claimed_selectors: true });
});

it('A1: a script gets what its path says, and another script of the same interpreter and uid does not', async () => {
  expect([await codeOf('job.ts'), await codeOf('other.ts')]).toEqual([0, 7]);
});
