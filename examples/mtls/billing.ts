// SPDX-License-Identifier: Apache-2.0
/**
 * A service that charges orders, over HTTPS with mutual TLS. It has no key file and no certificate file: its identity
 * comes from Assay and changes while it runs. It talks to `orders` and to nobody else.
 *
 *     SPIFFE_ENDPOINT_SOCKET=unix:///run/assay/workload/api.sock node examples/mtls/billing.ts
 */
import type { AddressInfo } from 'node:net';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, createHttpsServer, peerOf, X509Source } from '../../src/client/index.ts';

const source = await X509Source.open();
const { spiffeId, serial } = source.svid();
console.log(`I am ${spiffeId} (serial ${short(serial)})`);
source.onUpdate(() => {
  if (source.status().state === 'current') console.log(`new certificate, serial ${short(source.svid().serial)}`);
});

const authorize = authorizeId(`${spiffeId.trustDomain.id}/orders`);
const server = createHttpsServer(source, { authorize, http: { keepAliveTimeout: 120_000 } }, (request, response) => {
  const caller = peerOf(request.socket);
  response.end(`charged for ${caller.spiffeId.path.slice(1)} (serial ${short(caller.serial)})`);
});
server.on('tlsClientError', (error) => console.log(`turned a caller away: ${error.message}`));
server.listen(0, '127.0.0.1', () => console.log(`listening on port ${(server.address() as AddressInfo).port}`));

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  source.close();
});

/** Enough of a serial number to tell two apart. */
function short(serialNumber: string): string {
  return serialNumber.slice(0, 8);
}
