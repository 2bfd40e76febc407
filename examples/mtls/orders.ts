// SPDX-License-Identifier: Apache-2.0
/**
 * A service that has its orders charged by `billing`, every two seconds, over two kinds of connection: a new one for
 * each request, and one that stays open throughout. Each line names the certificates that both ends showed on it.
 *
 *     SPIFFE_ENDPOINT_SOCKET=unix:///run/assay/workload/api.sock node examples/mtls/orders.ts PORT
 */
import { type Agent, get } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, httpsAgent, peerOf, X509Source } from '../../src/client/index.ts';

const port = Number(process.argv[2]);
const source = await X509Source.open();
const { spiffeId, serial } = source.svid();
console.log(`I am ${spiffeId} (serial ${short(serial)})`);
source.onUpdate(() => {
  if (source.status().state === 'current') console.log(`new certificate, serial ${short(source.svid().serial)}`);
});

const authorize = authorizeId(`${spiffeId.trustDomain.id}/billing`);
const afresh = httpsAgent(source, { authorize });
const keeping = httpsAgent(source, { authorize, agent: { keepAlive: true, maxSockets: 1 } });
let keptSocket: TLSSocket | undefined;

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
try {
  for (;;) {
    await charge('new connection ', afresh);
    const socket = await charge('kept connection', keeping);
    keptSocket ??= socket;
    if (socket !== keptSocket) console.log('FAILED: the kept connection was lost');
    await wait(2_000, undefined, { signal: stop.signal });
  }
} catch (error) {
  if (!stop.signal.aborted) {
    console.log(`FAILED: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
keeping.destroy();
source.close();

function charge(kind: string, agent: Agent): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent }, (response) => {
      const socket = response.socket as TLSSocket;
      const mine = socket.getX509Certificate()?.serialNumber.toLowerCase() ?? '';
      const theirs = peerOf(socket).serial;
      response.setEncoding('utf8').once('data', (answer: string) => {
        const agreed = answer.includes(`serial ${short(mine)}`) ? response.statusCode : 'FAILED: seen as another';
        console.log(`${kind}  orders ${short(mine)} <-> billing ${short(theirs)}  ${agreed}`);
      });
      response.once('end', () => resolve(socket));
    });
    request.once('error', reject);
  });
}

/** Enough of a serial number to tell two apart. */
function short(serialNumber: string): string {
  return serialNumber.slice(0, 8);
}
