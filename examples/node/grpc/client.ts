// SPDX-License-Identifier: Apache-2.0
/**
 * `orders` has an order charged by `billing` each second, over gRPC.
 *
 *     node examples/node/grpc/client.ts [PORT]
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { makeClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, grpcCredentials, X509Source } from '../../../src/client/index.ts';

const source = await X509Source.open();
const definition = loadSync(join(import.meta.dirname, 'billing.proto'))['billing.v1.Billing'] as ServiceDefinition;
const Billing = makeClientConstructor(definition, 'Billing');

const credentials = grpcCredentials(source, { authorize: authorizeId('spiffe://example.org/billing') });
const billing = new Billing(`127.0.0.1:${process.argv[2] ?? 8443}`, credentials);
const charge = promisify<object, { text: string }>(billing['charge']!.bind(billing));

for (;;) {
  console.log((await charge({})).text);
  await wait(1_000);
}
