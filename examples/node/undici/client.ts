// SPDX-License-Identifier: Apache-2.0
/**
 * `orders` has an order charged by `billing` each second, with `fetch`.
 *
 *     node examples/node/undici/client.ts [PORT]
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, undiciConnector, X509Source } from '../../../src/client/index.ts';

const source = await X509Source.open();
const connect = undiciConnector(source, { authorize: authorizeId('spiffe://example.org/billing') });
// Without pipelining each request has a connection of its own, and so the newest certificates.
const dispatcher = new Agent({ connect, pipelining: 0 });

for (;;) {
  const response = await fetch(`https://127.0.0.1:${process.argv[2] ?? 8443}/charge`, { dispatcher });
  console.log(await response.text());
  await wait(1_000);
}
