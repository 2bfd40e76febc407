// SPDX-License-Identifier: Apache-2.0
/**
 * `billing` as a Fastify app over HTTPS with mutual TLS. It serves `orders` and nobody else.
 *
 *     node examples/node/fastify/server.ts [PORT]
 */
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, createHttpsServer, peerOf, X509Source } from '../../../src/client/index.ts';

const source = await X509Source.open();
const authorize = authorizeId('spiffe://example.org/orders');

const app = Fastify({ serverFactory: (handler) => createHttpsServer(source, { authorize }, handler) });
app.get('/charge', async (request) => {
  const { spiffeId, serial } = peerOf(request.socket);
  console.log(`charged for ${spiffeId}`);
  return `charged for ${spiffeId} with certificate ${serial}`;
});

app.server.on('tlsClientError', (error) => console.log(`turned a caller away: ${error.message}`));
await app.listen({ port: Number(process.argv[2] ?? 8443), host: '127.0.0.1' });
console.log(`listening on port ${(app.server.address() as AddressInfo).port}`);
