// SPDX-License-Identifier: Apache-2.0
/** The commands of a page, as a reader types them, with the page's folder replaced by one of the test's. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { top } from '../support/daemon.ts';

/** The `at`-th block of plain commands (from 0) of `page`, relative to the top. */
export function commandsOf(page: string, at = 0): string {
  const blocks = [...readFileSync(join(top, page), 'utf8').matchAll(/^```\n([\s\S]*?)^```$/gm)];
  const block = blocks[at]?.[1];
  if (block === undefined) throw new Error(`${page} has no block ${at}`);
  return block;
}

/** Runs the block once for each content of it and of `files`, and gives the folder that stood for `folder`. */
export function madeBy(page: string, folder: string, files: readonly string[]): string {
  const commands = commandsOf(page);
  const hash = createHash('sha256').update(commands);
  for (const file of files) hash.update(readFileSync(join(top, file)));
  const made = join(top, 'node_modules/.cache/assay-interop', `made-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(join(made, 'complete'))) return made;
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
  execFileSync('/bin/sh', ['-euc', commands.replaceAll(folder, made)], { cwd: top, stdio: 'inherit' });
  mkdirSync(join(made, 'complete'));
  return made;
}
