// SPDX-License-Identifier: Apache-2.0
/** A resumed session shows no chain, so nothing would be verified: SPIRE 1.14.3 fixed exactly that. */
import { createServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { authorizeAny, authorizeId } from '../../src/client/authorize.ts';
import { connectTls } from '../../src/client/connect.ts';
import { verifyPeer } from '../../src/client/peer.ts';
import { createTlsServer } from '../../src/client/server.ts';
import type { Failure } from '../../src/lib/failure.ts';
import {
  bareClient,
  caB,
  endedOrHeard,
  listening,
  Party,
  PEER_ID,
  portOf,
  presenting,
} from '../support/tls-parties.ts';

let party: Party;
beforeAll(async () => {
  party = await Party.join();
});
afterAll(() => party.close());

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Seen {
  port: number;
  readonly reused: boolean[];
  readonly refusals: Failure[];
  bytes: number;
}

/** `remember`: an application that keeps sessions itself, against all advice. */
async function server(remember: boolean): Promise<Seen> {
  const seen: Seen = { port: 0, reused: [], refusals: [], bytes: 0 };
  const made = createTlsServer(party.source, { authorize: authorizeId(PEER_ID) }, (socket) => {
    seen.reused.push(socket.isSessionReused());
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length;
      socket.write(chunk);
    });
  });
  made.on('tlsClientError', (error) => seen.refusals.push(error as Failure));
  if (remember) {
    const sessions = new Map<string, Buffer>();
    made.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
      sessions.set(id.toString('hex'), data);
      done();
    });
    made.on('resumeSession', (id: Buffer, done: (error: null, data: Buffer | null) => void) =>
      done(null, sessions.get(id.toString('hex')) ?? null),
    );
  }
  closing.push(() => made.close());
  await listening(made);
  seen.port = portOf(made);
  return seen;
}

/** One exchange; the sessions that the server let the client have. */
async function visit(seen: Seen, credential: ReturnType<typeof caB.issue>, more: object): Promise<Buffer[]> {
  const sessions: Buffer[] = [];
  const before = seen.bytes;
  const client = bareClient(seen.port, credential, 'hello', more);
  client.socket.on('session', (session: Buffer) => sessions.push(session));
  while (client.bytes < 5 && !client.socket.destroyed) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(seen.bytes).toBe(before + client.bytes);
  const known = client.socket.getSession();
  client.socket.destroy();
  return known === undefined ? sessions : [...sessions, known];
}

describe.each([['TLSv1.2'], ['TLSv1.3']] as const)('an earlier session over %s', (maxVersion) => {
  const credential = caB.issue(PEER_ID);

  it('X509-17: is not resumed: the same client makes a whole handshake and is served', async () => {
    const seen = await server(false);
    for (const session of await visit(seen, credential, { maxVersion })) {
      await visit(seen, credential, { maxVersion, session });
    }
    expect(seen.reused.length).toBeGreaterThan(1);
    expect(seen.reused).not.toContain(true);
    expect(seen.refusals).toEqual([]);
  });

  it.each([
    ['by nobody', false],
    ['by the application itself', true],
  ])('X509-17: does not outlive the bundle, sessions kept %s', async (_by, remember) => {
    const seen = await server(remember);
    const sessions = await visit(seen, credential, { maxVersion });
    const served = seen.bytes;
    await party.rotate(undefined, {});
    for (const session of sessions) {
      await endedOrHeard(bareClient(seen.port, credential, 'hello', { maxVersion, session }));
    }
    await party.rotate();
    expect(sessions.length).toBeGreaterThan(0);
    expect(seen.refusals.length).toBe(sessions.length);
    expect(seen.bytes).toBe(served);
  });
});

describe('verifyPeer', () => {
  it('X509-17: refuses a session that was resumed all the same', async () => {
    const revocation = { isRevoked: () => false, opened: () => undefined };
    const rules = { authorize: authorizeAny(), anchorsOf: () => [caB.der], now: Date.now(), revocation };
    const outcomes: string[] = [];
    const careless = createServer(
      { ...presenting(caB.issue(PEER_ID)), requestCert: true, rejectUnauthorized: false },
      (socket: TLSSocket) => {
        try {
          outcomes.push(`${verifyPeer(socket, rules).spiffeId}`);
        } catch (error) {
          outcomes.push((error as Failure).reason);
        }
        socket.end('bye');
      },
    );
    closing.push(() => careless.close());
    await listening(careless);
    const port = portOf(careless);
    const first = bareClient(port, caB.issue(PEER_ID), '', { maxVersion: 'TLSv1.2' });
    const session = await new Promise<Buffer>((resolve) => first.socket.once('session', resolve));
    await first.ended;
    await bareClient(port, undefined, '', { maxVersion: 'TLSv1.2', session }).ended;
    expect(outcomes).toEqual([PEER_ID, 'PEER_SESSION_RESUMED']);
  });
});

describe('our own client', () => {
  it('X509-17: never offers a session, also to a server that hands them out', async () => {
    const reused: boolean[] = [];
    const generous = createServer(
      { ...presenting(caB.issue(PEER_ID)), requestCert: true, rejectUnauthorized: false },
      (socket) => {
        reused.push(socket.isSessionReused());
        socket.end('bye');
      },
    );
    closing.push(() => generous.close());
    await listening(generous);
    for (let turn = 0; turn < 3; turn += 1) {
      const socket = await connectTls(party.source, {
        authorize: authorizeId(PEER_ID),
        host: '127.0.0.1',
        port: portOf(generous),
      });
      await new Promise((resolve) => socket.resume().once('close', resolve));
    }
    expect(reused).toEqual([false, false, false]);
  });
});
