// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { compile, hasCompiler } from '../support/c-program.ts';
import { type Line, LineProgram } from '../support/line-program.ts';
import { tempDir } from '../support/temp-dir.ts';

if (!hasCompiler) console.warn('skipped: no gcc to make a library that interrupts system calls');
const withCompiler = hasCompiler ? it : it.skip;
const folder = tempDir('interrupted');

async function made(): Promise<Line> {
  const env = { ...process.env, LD_PRELOAD: compile('interrupted', folder, ['-shared', '-fPIC']) };
  const script = join(import.meta.dirname, 'programs', 'interrupted.ts');
  const program = new LineProgram(process.execPath, ['--no-warnings', script], { env });
  const line = await program.heard('made', 30_000);
  await program.end();
  return line;
}

withCompiler('A11: a call that a signal cut short is made again', async () => {
  expect((await made()).results).toEqual([
    ['poll', false, 0],
    ['read', 256, 0],
    ['pread', 256, 0],
    ['readlinkat', true, 0],
    ['statx', 'done', 0],
    ['openat', true, 0],
    ['openat2', true, 0],
    ['epoll_wait', 0, 3],
  ]);
});

withCompiler('A3: a close that a signal cut short has closed, and is not made again', async () => {
  expect(await made()).toMatchObject({ closed: 'done', gone: true });
});
