// SPDX-License-Identifier: Apache-2.0
/**
 * The same with the `fetch` of Node itself. It takes an agent of undici for the whole process, and none for one request; so
 * from here on this process reaches nobody but `billing` with it.
 *
 *     node examples/node/undici/own-fetch.ts [PORT]
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, setGlobalDispatcher } from 'undici';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, undiciConnector, X509Source } from '../../../src/client/index.ts';

const source = await X509Source.open();
const connect = undiciConnector(source, { authorize: authorizeId('spiffe://example.org/billing') });
setGlobalDispatcher(new Agent({ connect, pipelining: 0 }));

for (;;) {
  const response = await fetch(`https://127.0.0.1:${process.argv[2] ?? 8443}/charge`);
  console.log(await response.text());
  await wait(1_000);
}
