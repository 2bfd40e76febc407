// SPDX-License-Identifier: Apache-2.0
/**
 * A service that agents work with: it shows tickets and pays refunds, over HTTPS with mutual TLS. Each request brings a token of
 * the agent's task, and the desk does what that token declares, and nothing else.
 *
 *     SPIFFE_ENDPOINT_SOCKET=unix:///run/assay/workload/api.sock node examples/agent/desk.ts
 */
import type { AddressInfo } from 'node:net';
// In your own project: import { ... } from 'assay/client'
import {
  createHttpsServer,
  JwtSource,
  type Peer,
  peerOf,
  validateJwtSvid,
  X509Source,
} from '../../src/client/index.ts';

const AGENT = '/agent/support-bot/task/';
/** What each request needs, as the token's `scope` has it. */
const NEEDS = new Map([
  ['GET /tickets/4711', 'crm:read'],
  ['PUT /tickets/4711', 'crm:write'],
  ['POST /refunds/7', 'payments:refund'],
]);

const source = await X509Source.open();
const tokens = await JwtSource.open();
const { spiffeId } = source.svid();
const authorize = (peer: Peer): boolean =>
  peer.spiffeId.memberOf(spiffeId.trustDomain) && peer.spiffeId.path.startsWith(AGENT);

const server = createHttpsServer(source, { authorize }, (request, response) => {
  const { spiffeId: caller } = peerOf(request.socket);
  const what = `${request.method} ${request.url}`;
  const need = NEEDS.get(what);
  const told = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
  const answer = (status: number, text: string): void => {
    console.log(`${what} by task ${caller.path.slice(AGENT.length)}: ${status} ${text}`);
    response.writeHead(status).end(text);
  };
  try {
    const token = validateJwtSvid(told, { audience: spiffeId.toString(), source: tokens });
    const scope = String(token.claims['scope']).split(' ');
    if (need === undefined) answer(404, 'there is nothing of that name');
    else if (!token.spiffeId.equals(caller)) answer(403, 'the token is of another task than the connection');
    else if (!scope.includes(need)) answer(403, `the task did not declare ${need}`);
    else answer(200, need === 'payments:refund' ? 'order 7 is refunded' : 'ticket 4711: where is my parcel?');
  } catch {
    answer(401, 'there is no token that counts here');
  }
});
server.on('tlsClientError', (error) => console.log(`turned a caller away: ${error.message}`));
server.listen(0, '127.0.0.1', () => console.log(`listening on port ${(server.address() as AddressInfo).port}`));

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  source.close();
  tokens.close();
});
