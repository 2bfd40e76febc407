// SPDX-License-Identifier: Apache-2.0
/**
 * `service.ts ENDPOINT CALLER`: an https service with an identity from the Workload API, which lets one SPIFFE ID in. It answers
 * with what the proxy says of the caller and who the proxy is; prints its port.
 */
import type { AddressInfo } from 'node:net';
import { authorizeId, createHttpsServer, peerOf, X509Source } from '../../../src/client/index.ts';

const [socket = '', caller = ''] = process.argv.slice(2);
const source = await X509Source.open({ socket });
const server = createHttpsServer(source, { authorize: authorizeId(caller) }, (request, response) => {
  const peer = peerOf(request.socket);
  response.end(`${request.headers['x-caller']} ${peer.spiffeId} ${peer.serial}`);
});
server.listen(Number(process.argv[4]), '127.0.0.1', () => {
  console.log(`listening on ${(server.address() as AddressInfo).port}`);
});
