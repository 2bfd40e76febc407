// SPDX-License-Identifier: Apache-2.0
/** `examples/node`, of which this checkout has the packages; Express and Fastify: `node-frameworks.interop.ts`. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { overGrpc, overHttp, pairOverMutualTls } from './node-pair.ts';
import { Stage } from './node-stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.set(['undici']);
}, 60_000);
afterAll(() => stage?.close(), 60_000);

describe('mutual TLS in a line', () => {
  pairOverMutualTls(overHttp('undici/server.ts', 'undici/client.ts'), () => stage);
  pairOverMutualTls(overHttp('undici/server.ts', 'undici/own-fetch.ts'), () => stage);
  pairOverMutualTls(overGrpc('grpc/server.ts', 'grpc/client.ts'), () => stage);
});
