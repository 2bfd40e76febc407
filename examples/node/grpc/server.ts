// SPDX-License-Identifier: Apache-2.0
/**
 * `billing` as a gRPC service over mutual TLS. It serves `orders` and nobody else.
 *
 *     node examples/node/grpc/server.ts [PORT]
 */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Server, type ServerUnaryCall, type ServiceDefinition, type sendUnaryData } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, grpcServer, peerOfCall, X509Source } from '../../../src/client/index.ts';

const source = await X509Source.open();
const billing = loadSync(join(import.meta.dirname, 'billing.proto'))['billing.v1.Billing'] as ServiceDefinition;

// Connections end after 2 s, so that a rotation shows; a service would give them minutes.
const server = new Server({ 'grpc.max_connection_age_ms': 2_000 });
server.addService(billing, {
  charge(call: ServerUnaryCall<object, object>, answer: sendUnaryData<object>) {
    const { spiffeId, serial } = peerOfCall(call);
    console.log(`charged for ${spiffeId}`);
    answer(null, { text: `charged for ${spiffeId} with certificate ${serial}` });
  },
});

const front = grpcServer(source, { authorize: authorizeId('spiffe://example.org/orders') }, server);
front.on('tlsClientError', (error) => console.log(`turned a caller away: ${error.message}`));
front.listen(Number(process.argv[2] ?? 8443), '127.0.0.1', () =>
  console.log(`listening on port ${(front.address() as AddressInfo).port}`),
);
