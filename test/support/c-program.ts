// SPDX-License-Identifier: Apache-2.0
/** Small C programs for what Node cannot do to itself. Undefined where there is no compiler; the test then skips with one line. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const hasCompiler: boolean = spawnSync('gcc', ['--version']).status === 0;

/** Compiles `test/support/NAME.c` into `folder` and returns the program's path; with `-shared`, a library's. */
export function compile(name: string, folder: string, flags: readonly string[] = []): string {
  const program = join(folder, name);
  const source = join(import.meta.dirname, `${name}.c`);
  const done = spawnSync('gcc', ['-Wall', '-Werror', '-O1', ...flags, '-o', program, source], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${name}.c does not compile:\n${done.stderr}`);
  return program;
}
