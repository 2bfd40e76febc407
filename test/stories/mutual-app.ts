// SPDX-License-Identifier: Apache-2.0
/**
 * Two services with `assay/client`, each a process of its own that says what happens to it, one JSON object a line.
 * `mutual-app.ts billing` answers every byte; `mutual-app.ts orders PORT` keeps a connection on which it never stops
 * sending, opens another ten times a second, and on SIGUSR2 does so with the SVID that it had at the start as well, as
 * whoever has taken its key would.
 */
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { authorizeId, connectTls, createTlsServer, peerOf, X509Source } from '../../src/client/index.ts';

const [role, port = ''] = process.argv.slice(2);
const say = (event: string, more: object = {}): void =>
  void process.stdout.write(`${JSON.stringify({ event, at: Date.now(), ...more })}\n`);
const source = await X509Source.open();
const first = source.svid();
say('identity', { serial: first.serial });

if (role === 'billing') billing();
else await orders();

function billing(): void {
  const server = createTlsServer(source, { authorize: authorizeId('spiffe://example.org/orders') }, (socket) => {
    const { serial } = peerOf(socket);
    say('accepted', { serial });
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('close', () => say('closed', { serial }));
  });
  server.on('tlsClientError', (error) => say('refused', { why: error.message }));
  server.listen(0, '127.0.0.1', () => say('listening', { port: (server.address() as AddressInfo).port }));
}

async function orders(): Promise<void> {
  const options = { authorize: authorizeId('spiffe://example.org/billing'), host: '127.0.0.1', port: Number(port) };
  const kept = await connectTls(source, options);
  const pouring = setInterval(() => kept.write('x'), 5);
  let heard = 0;
  kept.on('data', (bytes: Buffer) => {
    heard += bytes.length;
  });
  kept.on('error', () => undefined);
  kept.on('close', () => {
    clearInterval(pouring);
    say('cut', { heard });
  });
  process.once('SIGUSR2', () => void steal());
  say('kept');
  for (;;) {
    await connectTls(source, options).then(
      async (socket) => say((await answers(socket)) ? 'answered' : 'unanswered', { serial: source.svid().serial }),
      (error: Error) => say('unanswered', { why: error.message, serial: source.svid().serial }),
    );
    await sleep(100);
  }
}

/** With the chain and the key as they were: Node's own TLS, which knows nothing of revocation. */
async function steal(): Promise<void> {
  const pem = (der: Buffer): string =>
    `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
  const cert = first.chain.map(pem).join('');
  const key = first.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  for (;;) {
    const from = Date.now();
    const socket = connect({ host: '127.0.0.1', port: Number(port), cert, key, rejectUnauthorized: false });
    say((await answers(socket)) ? 'stolen-answered' : 'stolen-refused', { from });
    await sleep(50);
  }
}

function answers(socket: TLSSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (answered: boolean): void => {
      resolve(answered);
      socket.destroy();
    };
    socket.on('error', () => done(false));
    socket.on('close', () => done(false));
    socket.on('data', () => done(true));
    socket.write('?');
  });
}
