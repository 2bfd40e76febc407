// SPDX-License-Identifier: Apache-2.0
/**
 * `orders` has an order charged by `billing` each second, with the `https` module of Node.
 *
 *     node examples/node/express/client.ts [PORT]
 */
import { once } from 'node:events';
import { get } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, httpsAgent, X509Source } from '../../../src/client/index.ts';

const source = await X509Source.open();
const agent = httpsAgent(source, { authorize: authorizeId('spiffe://example.org/billing') });

for (;;) {
  const request = get({ host: '127.0.0.1', port: process.argv[2] ?? 8443, path: '/charge', agent });
  const [response] = await once(request, 'response');
  console.log(await text(response));
  await wait(1_000);
}
