// SPDX-License-Identifier: Apache-2.0
/** A virtual environment of Python that is made once for each content of a requirements.txt. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { top } from '../support/daemon.ts';

/** The folder; programs lie in its `bin`. */
export function pythonEnvironment(requirements: string): string {
  const name = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const folder = join(top, 'node_modules/.cache/assay-interop', `python-${name}`);
  if (existsSync(join(folder, 'complete'))) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
  execFileSync(join(folder, 'bin/pip'), ['install', '--quiet', '-r', requirements], { stdio: 'inherit' });
  mkdirSync(join(folder, 'complete'));
  return folder;
}
