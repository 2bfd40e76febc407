// SPDX-License-Identifier: Apache-2.0
/** `examples/node` with Express and Fastify, as their packages are. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { npmInstalled } from '../interop/npm-environment.ts';
import { top } from '../support/daemon.ts';
import { pairOverMutualTls } from './node-pair.ts';
import { Stage } from './node-stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.set(['undici'], npmInstalled(join(top, 'examples/node')));
}, 300_000);
afterAll(() => stage?.close(), 60_000);

const REQUEST = Buffer.from('GET /charge HTTP/1.1\r\nhost: billing\r\n\r\n');

describe('mutual TLS in a line, in real frameworks', () => {
  pairOverMutualTls('express', () => stage, REQUEST);
  pairOverMutualTls('fastify', () => stage, REQUEST);

  it('fits the types of the frameworks', () => {
    const config = join(stage.folder, 'tsconfig.json');
    const checked = () => execFileSync(join(top, 'node_modules/.bin/tsc'), ['-p', config], { encoding: 'utf8' });
    expect(checked).not.toThrow();
  });
});
