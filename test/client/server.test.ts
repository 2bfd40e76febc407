// SPDX-License-Identifier: Apache-2.0

import { get, type Server as HttpsServer } from 'node:https';
import { connect } from 'node:net';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Authorizer, authorizeId } from '../../src/client/authorize.ts';
import { peerOf } from '../../src/client/peer.ts';
import { createHttpsServer, createTlsServer } from '../../src/client/server.ts';
import { Failure } from '../../src/lib/failure.ts';
import {
  bareClient,
  caB,
  endedOrHeard,
  impostors,
  listening,
  Party,
  PEER_ID,
  portOf,
  presenting,
} from '../support/tls-parties.ts';

const REQUEST = 'POST / HTTP/1.1\r\nHost: us\r\nContent-Length: 5\r\n\r\nhello';
const authorize = authorizeId(PEER_ID);

let party: Party;
beforeAll(async () => {
  party = await Party.join();
});
afterAll(() => party.close());

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** What the application behind a server saw, and why connections were refused. */
interface Seen {
  port: number;
  bytes: number;
  connections: number;
  readonly refusals: Failure[];
  server: TlsServer;
}

function watch(server: TlsServer, seen: Seen): Promise<Seen> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  server.on('tlsClientError', (error) => seen.refusals.push(error as Failure));
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return listening(server).then(() => Object.assign(seen, { port: portOf(server), server }));
}

async function tlsServer(options: { authorize?: Authorizer; handshakeTimeoutMs?: number } = {}): Promise<Seen> {
  const seen = { bytes: 0, connections: 0, refusals: [] as Failure[] } as unknown as Seen;
  const server = createTlsServer(party.source, { authorize, ...options }, (socket: TLSSocket) => {
    seen.connections += 1;
    socket.write('welcome');
    socket.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length;
    });
    socket.on('error', () => undefined);
  });
  return watch(server, seen);
}

async function httpsServer(): Promise<Seen> {
  const seen = { bytes: 0, connections: 0, refusals: [] as Failure[] } as unknown as Seen;
  const server: HttpsServer = createHttpsServer(party.source, { authorize }, (request, response) => {
    seen.connections += 1;
    request.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length;
    });
    request.on('end', () =>
      response.end(`${peerOf(request.socket).spiffeId} ${(request.socket as TLSSocket).authorized}`),
    );
  });
  // A server that answers errors must not reach the refused either.
  server.on('clientError', (_error, socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  return watch(server, seen);
}

const servers = [
  ['tls', tlsServer],
  ['https', httpsServer],
] as const;
const versions = [['TLSv1.2'], ['TLSv1.3']] as const;

async function waitFor(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe.each(servers)('a %s server', (_name, start) => {
  describe.each(versions)('over %s', (maxVersion) => {
    it('talks to the peer it wants', async () => {
      const seen = await start();
      const client = bareClient(seen.port, caB.intermediate().issue(PEER_ID), REQUEST, { maxVersion });
      await waitFor(() => seen.bytes >= 5 && client.bytes >= 7);
      expect(client.socket.getProtocol()).toBe(maxVersion);
      client.socket.destroy();
    });

    it.each(impostors)('%s: no byte passes either way for %s', async (_row, _what, make) => {
      const seen = await start();
      const client = bareClient(seen.port, make(), REQUEST, { maxVersion });
      await endedOrHeard(client, () => seen.bytes);
      expect({ app: seen.bytes, connections: seen.connections, client: client.bytes }).toEqual({
        app: 0,
        connections: 0,
        client: 0,
      });
      expect(seen.refusals).toHaveLength(1);
      expect(seen.refusals[0]).toBeInstanceOf(Failure);
    });

    it('no byte passes either way for a peer without a certificate', async () => {
      const seen = await start();
      const client = bareClient(seen.port, undefined, REQUEST, { maxVersion });
      await endedOrHeard(client, () => seen.bytes);
      expect({ app: seen.bytes, connections: seen.connections, client: client.bytes }).toEqual({
        app: 0,
        connections: 0,
        client: 0,
      });
      expect(seen.refusals[0]).toMatchObject({ reason: 'PEER_WITHOUT_CERTIFICATE' });
    });
  });
});

describe('a refusal', () => {
  it('says who came and who was wanted', async () => {
    const seen = await tlsServer();
    await endedOrHeard(bareClient(seen.port, caB.issue('spiffe://td-b/intruder'), 'x'));
    expect(seen.refusals[0]?.message).toBe(`peer refused: it is spiffe://td-b/intruder, and wanted is ${PEER_ID}`);
  });

  it.each<[string, unknown]>([
    ['a promise of true', () => Promise.resolve(true)],
    ['nothing', () => undefined],
    ['something true in spirit', () => 1],
  ])('is what an authoriser that answers %s means', async (_what, answer) => {
    const seen = await tlsServer({ authorize: answer as Authorizer });
    await endedOrHeard(bareClient(seen.port, caB.issue(PEER_ID), 'x'));
    expect(seen.refusals[0]).toMatchObject({ reason: 'PEER_NOT_AUTHORIZED' });
    expect(seen.bytes).toBe(0);
  });

  it('is what an authoriser that throws means', async () => {
    const seen = await tlsServer({
      authorize: () => {
        throw new Error('database down');
      },
    });
    await endedOrHeard(bareClient(seen.port, caB.issue(PEER_ID), 'x'));
    expect(seen).toMatchObject({ bytes: 0, connections: 0, refusals: [{ message: 'database down' }] });
  });

  it('I9: meets a client that connects and never begins', async () => {
    const seen = await tlsServer({ handshakeTimeoutMs: 100 });
    const socket = connect(seen.port, '127.0.0.1').resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(seen.refusals[0]?.message).toContain('TLS handshake timeout');
  });

  it('cannot be talked around: authorize has no default', () => {
    for (const create of [createTlsServer, createHttpsServer]) {
      expect(() => create(party.source, {} as { authorize: Authorizer })).toThrow(
        'nobody said who may be at the other end',
      );
    }
  });
});

describe('rotation', () => {
  it('gives new connections the new SVID and leaves the open one as it is', async () => {
    const seen = await tlsServer();
    const serialOf = (socket: TLSSocket): string => socket.getPeerCertificate().serialNumber.toLowerCase();
    const kept = bareClient(seen.port, caB.issue(PEER_ID), 'one');
    await waitFor(() => seen.bytes === 3);
    const before = serialOf(kept.socket);
    const { serial } = await party.rotate();
    const fresh = bareClient(seen.port, caB.issue(PEER_ID), 'two');
    await waitFor(() => seen.bytes === 6);
    expect(serialOf(fresh.socket)).toBe(serial);
    expect(before).not.toBe(serial);
    kept.socket.write('still here');
    await waitFor(() => seen.bytes === 16);
    for (const { socket } of [kept, fresh]) socket.destroy();
  });

  it('WAPI-35: a bundle that is gone admits nobody of its trust domain any more', async () => {
    const seen = await tlsServer();
    await party.rotate(undefined, {});
    await endedOrHeard(bareClient(seen.port, caB.issue(PEER_ID), 'x'));
    expect(seen.refusals[0]).toMatchObject({ reason: 'PEER_SVID_INVALID' });
    expect(seen.refusals[0]?.message).toContain('spiffe://td-b');
    await party.rotate();
  });

  it('I5: with no valid SVID of its own a server turns everybody away before the handshake', async () => {
    const own = await Party.join();
    closing.push(() => own.close());
    const server = createTlsServer(own.source, { authorize });
    const refusals: Failure[] = [];
    server.on('tlsClientError', (error) => refusals.push(error as Failure));
    closing.push(() => server.close());
    await listening(server);
    own.source.close();
    const client = bareClient(portOf(server), caB.issue(PEER_ID), 'x');
    let handshakes = 0;
    client.socket.on('secureConnect', () => {
      handshakes += 1;
    });
    await client.ended;
    expect(handshakes).toBe(0);
    expect(refusals[0]).toMatchObject({ reason: 'SOURCE_CLOSED' });
  });

  it('is not followed any more once the server is closed', async () => {
    const own = await Party.join();
    const server = createTlsServer(own.source, { authorize });
    await listening(server);
    let contexts = 0;
    const set = server.setSecureContext.bind(server);
    server.setSecureContext = (options) => {
      contexts += 1;
      set(options);
    };
    await own.rotate();
    await new Promise((resolve) => server.close(resolve));
    await own.rotate();
    own.close();
    expect(contexts).toBe(1);
  });
});

describe('what a handler learns', () => {
  it('is the peer, and that it was verified', async () => {
    const seen = await httpsServer();
    const { chain, pkcs8 } = caB.issue(PEER_ID);
    const body = await new Promise<string>((resolve, reject) => {
      const options = {
        port: seen.port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        agent: false as const,
        ...presenting({ chain, pkcs8 }),
      };
      get(options, (response) => {
        response.setEncoding('utf8').on('data', resolve);
      }).on('error', reject);
    });
    expect(body).toBe(`${PEER_ID} true`);
  });

  it('is an error for a connection that nobody verified', () => {
    expect(() => peerOf({})).toThrow('its peer was not verified');
  });
});
