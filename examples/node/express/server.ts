// SPDX-License-Identifier: Apache-2.0
/**
 * `billing` as an Express app over HTTPS with mutual TLS. It serves `orders` and nobody else.
 *
 *     node examples/node/express/server.ts [PORT]
 */
import type { AddressInfo } from 'node:net';
import express from 'express';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, createHttpsServer, peerOf, X509Source } from '../../../src/client/index.ts';

const source = await X509Source.open();

const app = express();
app.get('/charge', (request, response) => {
  const { spiffeId, serial } = peerOf(request.socket);
  console.log(`charged for ${spiffeId}`);
  response.send(`charged for ${spiffeId} with certificate ${serial}`);
});

const server = createHttpsServer(source, { authorize: authorizeId('spiffe://example.org/orders') }, app);
server.on('tlsClientError', (error) => console.log(`turned a caller away: ${error.message}`));
server.listen(Number(process.argv[2] ?? 8443), '127.0.0.1', () =>
  console.log(`listening on port ${(server.address() as AddressInfo).port}`),
);
