// SPDX-License-Identifier: Apache-2.0
/** `examples/node` with Express and Fastify, as their packages are. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { npmInstalled } from '../interop/npm-environment.ts';
import { top } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';
import { overHttp, pairOverMutualTls } from './node-pair.ts';
import { Stage } from './node-stage.ts';

const types = join(top, 'node_modules/@types');
const dir = tempDir('types');

let modules: string;
let stage: Stage;
beforeAll(async () => {
  modules = join(npmInstalled(join(top, 'examples/node')), 'node_modules');
  stage = await Stage.set(['undici'], modules);
}, 300_000);
afterAll(() => stage?.close(), 60_000);

describe('mutual TLS in a line, in real frameworks', () => {
  pairOverMutualTls(overHttp('express/server.ts', 'express/client.ts'), () => stage);
  pairOverMutualTls(overHttp('fastify/server.ts', 'fastify/client.ts'), () => stage);

  it('fits the types of the frameworks', () => {
    const config = join(dir, 'tsconfig.json');
    const paths = {
      express: [join(modules, '@types/express/index.d.ts')],
      fastify: [join(modules, 'fastify/fastify.d.ts')],
    };
    const extend = join(top, 'examples/node/tsconfig.json');
    writeFileSync(config, JSON.stringify({ extends: extend, compilerOptions: { paths, typeRoots: [types] } }));
    const { stdout } = spawnSync(join(top, 'node_modules/.bin/tsc'), ['-p', config], { encoding: 'utf8' });
    expect(stdout).toBe('');
  });
});
