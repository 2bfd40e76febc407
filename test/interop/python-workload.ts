// SPDX-License-Identifier: Apache-2.0
/** The Python workload of `test/interop/python` in a virtual environment that is made once for each requirements.txt. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { top } from '../support/daemon.ts';
import { JsonLines } from '../support/json-lines.ts';

const source = join(import.meta.dirname, 'python');

export function pythonWorkload(endpoint: string, ...args: string[]): JsonLines {
  const python = join(environment(), 'bin/python3');
  return new JsonLines(python, ['-B', join(source, 'workload.py'), ...args], { SPIFFE_ENDPOINT_SOCKET: endpoint });
}

function environment(): string {
  const requirements = join(source, 'requirements.txt');
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
