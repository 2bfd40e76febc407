// SPDX-License-Identifier: Apache-2.0
/** The library against the real daemon: its restarts, its rotations, its refusals. */
import type { Server, TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { authorizeId } from '../../src/client/authorize.ts';
import { connectTls } from '../../src/client/connect.ts';
import { peerOf } from '../../src/client/peer.ts';
import { createTlsServer } from '../../src/client/server.ts';
import { X509Source } from '../../src/client/x509-source.ts';
import { Daemon, SHORT_LIVES } from '../support/daemon.ts';
import { listening, portOf } from '../support/tls-parties.ts';

const ID = 'spiffe://example.org/us';
const LONG = 60_000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
}, LONG);

async function startDaemon(...config: readonly string[]): Promise<Daemon> {
  const daemon = await Daemon.start({ config });
  closing.push(() => daemon.close());
  return daemon;
}

const register = (daemon: Daemon) =>
  daemon.admin.createEntry({ spiffe_id: ID, selectors: [`unix:uid:${process.getuid?.()}`] });

async function join(daemon: Daemon): Promise<X509Source> {
  const source = await X509Source.open({ socket: daemon.endpoint });
  closing.push(() => source.close());
  return source;
}

function until(source: X509Source, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      stop();
      resolve();
    };
    const stop = source.onUpdate(look);
    look();
  });
}

/** A server that sends back what it gets. */
async function echo(source: X509Source): Promise<Server> {
  const server = createTlsServer(source, { authorize: authorizeId(ID) }, (socket) => {
    closing.push(() => socket.destroy());
    socket.on('error', () => undefined).pipe(socket);
  });
  closing.push(() => server.close());
  return listening(server);
}

async function dial(source: X509Source, server: Server): Promise<TLSSocket> {
  const socket = await connectTls(source, { authorize: authorizeId(ID), host: '127.0.0.1', port: portOf(server) });
  closing.push(() => socket.destroy());
  return socket;
}

async function answers(socket: TLSSocket, word: string): Promise<string> {
  const answer = new Promise<string>((resolve, reject) => {
    socket.once('data', (chunk) => resolve(String(chunk)));
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
  socket.write(word);
  return answer;
}

describe('a live source and an open connection', () => {
  it.each([['stop'], ['kill']] as const)(
    'survive that the daemon ends (%s) and comes back',
    async (how) => {
      const daemon = await startDaemon();
      await register(daemon);
      const source = await join(daemon);
      const server = await echo(source);
      const kept = await dial(source, server);
      const before = source.svid().serial;
      expect(await answers(kept, 'one')).toBe('one');

      await daemon[how]();
      await until(source, () => source.status().state === 'holding');
      expect(await answers(kept, 'two')).toBe('two');
      // Also while there is no daemon, new connections are made with what is at hand.
      expect(peerOf(await dial(source, server)).serial).toBe(before);

      await daemon.start();
      await until(source, () => source.status().state === 'current');
      expect(source.svid().serial).not.toBe(before);
      expect(await answers(kept, 'three')).toBe('three');
      expect(peerOf(await dial(source, server)).serial).toBe(source.svid().serial);
    },
    LONG,
  );

  it(
    'survive a rotation',
    async () => {
      const daemon = await startDaemon(...SHORT_LIVES);
      await register(daemon);
      const source = await join(daemon);
      const server = await echo(source);
      const kept = await dial(source, server);
      const first = source.svid().serial;
      await until(source, () => source.svid().serial !== first);
      expect(peerOf(await dial(source, server)).serial).not.toBe(first);
      expect(await answers(kept, 'still')).toBe('still');
      expect(peerOf(kept).serial).toBe(first);
    },
    LONG,
  );
});

describe('a process without an entry', () => {
  it(
    'CLI-20: waits, and has its identity soon after the entry comes',
    async () => {
      const daemon = await startDaemon();
      const opening = join(daemon);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await register(daemon);
      expect(`${(await opening).svid().spiffeId}`).toBe(ID);
    },
    LONG,
  );

  it(
    'is told why not, and what to do',
    async () => {
      const daemon = await startDaemon();
      await expect(X509Source.open({ socket: daemon.endpoint, waitForEntry: false })).rejects.toMatchObject({
        reason: 'WORKLOAD_API_REFUSED',
        message: expect.stringContaining('no registration entry describes this process'),
        hint: expect.stringContaining('assay entry create'),
      });
    },
    LONG,
  );
});

describe('an entry that is deleted', () => {
  it(
    'I7: takes the identity away at once, and with it the right to new connections',
    async () => {
      const daemon = await startDaemon();
      const { id } = await register(daemon);
      const source = await join(daemon);
      const server = await echo(source);
      await daemon.admin.call('DeleteEntry', { id });
      await until(source, () => source.status().state === 'withdrawn');
      expect(() => source.svid()).toThrow('the daemon took the identity of this process back');
      await expect(dial(source, server)).rejects.toThrow('took the identity of this process back');
    },
    LONG,
  );
});
