// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { checkProc } from '../../src/peer/proc-check.ts';
import { LineProgram } from '../support/line-program.ts';
import { asRoot } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('proc');

it('accepts the procfs of this process', () => {
  expect(() => checkProc()).not.toThrow();
});

it('A4: refuses a folder that only looks like /proc', () => {
  mkdirSync(join(folder, 'proc'));
  symlinkSync(String(process.pid), join(folder, 'proc', 'self'));
  expect(() => checkProc(join(folder, 'proc'))).toThrow(/no procfs/);
  expect(() => checkProc(join(folder, 'absent'))).toThrow(/no procfs/);
});

asRoot('A4: refuses the procfs of another pid namespace', async () => {
  // A pid namespace of its own, without a /proc of its own: every number there is a stranger's.
  const script = join(import.meta.dirname, 'programs', 'check-proc.ts');
  const program = new LineProgram('unshare', ['--pid', '--fork', process.execPath, '--no-warnings', script]);
  const line = await program.heard('checked');
  expect(line).toMatchObject({ reason: 'PROC_NOT_OURS', message: expect.stringMatching(/another pid namespace/) });
  await program.end();
});
