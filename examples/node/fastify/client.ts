// SPDX-License-Identifier: Apache-2.0
/**
 * `orders` has an order charged by `billing` each second, with a pool of undici.
 *
 *     node examples/node/fastify/client.ts [PORT]
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Pool } from 'undici';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, undiciConnector, X509Source } from '../../../src/client/index.ts';

const source = await X509Source.open();
const connect = undiciConnector(source, { authorize: authorizeId('spiffe://example.org/billing') });
// Without pipelining each request has a connection of its own, and so the newest certificates.
const pool = new Pool(`https://127.0.0.1:${process.argv[2] ?? 8443}`, { connect, pipelining: 0 });

for (;;) {
  const { body } = await pool.request({ method: 'GET', path: '/charge' });
  console.log(await body.text());
  await wait(1_000);
}
