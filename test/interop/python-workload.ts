// SPDX-License-Identifier: Apache-2.0
/** The Python workload of `test/interop/python` in its virtual environment. */
import { join } from 'node:path';
import { JsonLines } from '../support/json-lines.ts';
import { pythonEnvironment } from './python-environment.ts';

const source = join(import.meta.dirname, 'python');

export function pythonWorkload(endpoint: string, ...args: string[]): JsonLines {
  const python = join(pythonEnvironment(join(source, 'requirements.txt')), 'bin/python3');
  return new JsonLines(python, ['-B', join(source, 'workload.py'), ...args], { SPIFFE_ENDPOINT_SOCKET: endpoint });
}
