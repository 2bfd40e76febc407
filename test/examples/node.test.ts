// SPDX-License-Identifier: Apache-2.0
/** `examples/node`, of which this checkout has the packages; Express and Fastify: `node-frameworks.interop.ts`. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { pairOverMutualTls } from './node-pair.ts';
import { Stage } from './node-stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.set(['undici']);
}, 60_000);
afterAll(() => stage?.close(), 60_000);

describe('mutual TLS in a line', () => {
  pairOverMutualTls('undici', () => stage, Buffer.from('GET /charge HTTP/1.1\r\nhost: billing\r\n\r\n'));
  pairOverMutualTls('grpc', () => stage, Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), { ALPNProtocols: ['h2'] });
});
