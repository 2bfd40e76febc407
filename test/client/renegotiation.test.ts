// SPDX-License-Identifier: Apache-2.0
/** TLS 1.2 can change the peer of a running connection. Who was verified would then not be who is speaking. */
import { createServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { authorizeId } from '../../src/client/authorize.ts';
import { connectTls } from '../../src/client/connect.ts';
import { createTlsServer } from '../../src/client/server.ts';
import { bareClient, caB, listening, Party, PEER_ID, portOf, presenting } from '../support/tls-parties.ts';

let party: Party;
beforeAll(async () => {
  party = await Party.join();
});
afterAll(() => party.close());

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** How asking for another handshake went: an error, or its success. */
function renegotiated(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('error', (error) => resolve(error.message));
    socket.once('close', () => resolve('closed'));
    socket.renegotiate({ rejectUnauthorized: false }, (error) => resolve(error?.message ?? 'done'));
  });
}

describe('renegotiation over TLSv1.2', () => {
  it('works with plain Node, so that the next two tests mean something', async () => {
    const plain = createServer(
      { ...presenting(caB.issue(PEER_ID)), maxVersion: 'TLSv1.2' },
      (socket) => void socket.resume(),
    );
    closing.push(() => plain.close());
    await listening(plain);
    const { socket } = bareClient(portOf(plain), undefined, 'x', { maxVersion: 'TLSv1.2' });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    expect(await renegotiated(socket)).toBe('done');
    socket.destroy();
  });

  it('X509-16: is refused to a client of ours', async () => {
    const server = createTlsServer(party.source, { authorize: authorizeId(PEER_ID) }, (socket) => {
      socket.on('error', () => undefined).resume();
    });
    closing.push(() => server.close());
    await listening(server);
    const { socket } = bareClient(portOf(server), caB.issue(PEER_ID), 'x', { maxVersion: 'TLSv1.2' });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    expect(await renegotiated(socket)).toMatch(/no.renegotiation/i);
    socket.destroy();
  });

  it('X509-16: is refused to a server that asks us for it', async () => {
    const outcome = new Promise<string>((resolve) => {
      const server = createServer(
        { ...presenting(caB.issue(PEER_ID)), maxVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false },
        (socket) => {
          socket.resume();
          renegotiated(socket).then(resolve);
        },
      );
      closing.push(() => server.close());
      listening(server).then(async () => {
        const socket = await connectTls(party.source, {
          authorize: authorizeId(PEER_ID),
          host: '127.0.0.1',
          port: portOf(server),
        });
        socket.on('error', () => undefined).resume();
        closing.push(() => socket.destroy());
      });
    });
    expect(await outcome).toMatch(/no.renegotiation/i);
  });
});
