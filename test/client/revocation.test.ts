// SPDX-License-Identifier: Apache-2.0
/** A peer that is revoked: no new connection, and an open one is cut, in every adapter. */
import { get } from 'node:https';
import type { TLSSocket } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Agent, request } from 'undici';
import { authorizeAny } from '../../src/client/authorize.ts';
import { connectTls } from '../../src/client/connect.ts';
import { grpcCredentials, grpcServer } from '../../src/client/grpc.ts';
import { httpsAgent } from '../../src/client/https-agent.ts';
import { createHttpsServer, createTlsServer } from '../../src/client/server.ts';
import { undiciConnector } from '../../src/client/undici.ts';
import { X509Source } from '../../src/client/x509-source.ts';
import { Member } from '../support/crl-member.ts';
import { FakeWorkloadApi, wireMessage, wireOf } from '../support/fake-workload-api.ts';
import { crlOf, TestCa } from '../support/test-ca.ts';
import { listening, portOf } from '../support/tls-parties.ts';

const ca = TestCa.create('td');
const options = { authorize: authorizeAny() };

let us: Member;
let peer: Member;
let other: Member;
const closing: (() => void)[] = [];
beforeEach(async () => {
  [us, peer, other] = (await Promise.all(['us', 'peer', 'other'].map((name) => Member.join(name, [ca])))) as [
    Member,
    Member,
    Member,
  ];
});
afterEach(() => {
  for (const close of closing.splice(0)) close();
  for (const member of [us, peer, other]) member.close();
});

const closed = (socket: { once(event: 'close', done: () => void): unknown; destroyed?: boolean }): Promise<void> =>
  new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())));

async function tlsServerOf(member: Member) {
  const sockets: TLSSocket[] = [];
  let bytes = 0;
  const server = createTlsServer(member.source, options, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
  });
  const refusals: { reason?: string }[] = [];
  server.on('tlsClientError', (error) => refusals.push(error as { reason?: string }));
  await listening(server);
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { server, port: portOf(server), sockets, refusals, heard: () => bytes };
}

describe('WAPI-39: a server', () => {
  it('cuts the open connection of a peer that is revoked, and leaves that of another', async () => {
    const { port, sockets, heard } = await tlsServerOf(us);
    const revoked = await connectTls(peer.source, { ...options, host: '127.0.0.1', port });
    const kept = await connectTls(other.source, { ...options, host: '127.0.0.1', port });
    for (const socket of [revoked, kept]) socket.on('error', () => undefined);
    closing.push(() => kept.destroy());
    while (sockets.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    await us.learn(peer.issued.serial);
    await closed(revoked);
    const before = heard();
    kept.write('still here');
    while (heard() === before) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(1);
    expect(us.log.lines.map(({ message }) => message)).toContain('open connections of revoked peers were cut');
  });

  it('refuses a new one before a byte of it is heard', async () => {
    const { port, sockets, refusals, heard } = await tlsServerOf(us);
    await us.learn(peer.issued.serial);
    const socket = await connectTls(peer.source, { ...options, host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    socket.write('hello');
    await closed(socket);
    expect([sockets.length, heard(), refusals[0]?.reason]).toEqual([0, 0, 'PEER_REVOKED']);
  });

  it('of gRPC cuts an open stream', async () => {
    const server = new grpc.Server();
    const front = await listening(grpcServer(us.source, options, server));
    closing.push(() => {
      front.close();
      server.forceShutdown();
    });
    const channel = new grpc.Client(`127.0.0.1:${portOf(front)}`, grpcCredentials(peer.source, options));
    closing.push(() => channel.close());
    await new Promise<void>((resolve, reject) =>
      channel.waitForReady(Date.now() + 5_000, (error) => (error ? reject(error) : resolve())),
    );
    const states: grpc.connectivityState[] = [];
    const watch = (): void => {
      const now = channel.getChannel().getConnectivityState(false);
      states.push(now);
      if (now === grpc.connectivityState.READY)
        channel.getChannel().watchConnectivityState(now, Date.now() + 5_000, watch);
    };
    watch();
    await us.learn(peer.issued.serial);
    while (states.at(-1) === grpc.connectivityState.READY) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(states[0]).toBe(grpc.connectivityState.READY);
  });
});

describe('WAPI-39: a client', () => {
  async function httpsServerOf(member: Member): Promise<number> {
    const server = await listening(createHttpsServer(member.source, options, (_, response) => response.end('ok')));
    closing.push(() => {
      server.close();
      server.closeAllConnections();
    });
    return portOf(server);
  }

  it('of TLS cuts its open connection to a server that is revoked, and opens no other', async () => {
    const { port } = await tlsServerOf(peer);
    const socket = await connectTls(us.source, { ...options, host: '127.0.0.1', port });
    let failure: { reason?: string } | undefined;
    socket.on('error', (error) => {
      failure = error as { reason?: string };
    });
    await us.learn(peer.issued.serial);
    await closed(socket);
    expect(failure?.reason).toBe('PEER_REVOKED');
    await expect(connectTls(us.source, { ...options, host: '127.0.0.1', port })).rejects.toMatchObject({
      reason: 'PEER_REVOKED',
    });
  });

  it('of https does not use a kept connection on', async () => {
    const port = await httpsServerOf(peer);
    const agent = httpsAgent(us.source, { ...options, agent: { keepAlive: true } });
    closing.push(() => agent.destroy());
    const ask = (): Promise<string> =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port, agent }, (response) => {
          response.resume();
          response.on('end', () => resolve('answered'));
        }).on('error', reject);
      });
    expect(await ask()).toBe('answered');
    await us.learn(peer.issued.serial);
    await expect(ask()).rejects.toMatchObject({ reason: 'PEER_REVOKED' });
  });

  it('of undici does not either', async () => {
    const port = await httpsServerOf(peer);
    const dispatcher = new Agent({ connect: undiciConnector(us.source, options) });
    closing.push(() => void dispatcher.destroy());
    const ask = async (): Promise<string> => (await request(`https://127.0.0.1:${port}/`, { dispatcher })).body.text();
    expect(await ask()).toBe('ok');
    await us.learn(peer.issued.serial);
    await expect(ask()).rejects.toMatchObject({ reason: 'PEER_REVOKED' });
  });

  it('of gRPC does not either', async () => {
    const server = new grpc.Server();
    const front = await listening(grpcServer(peer.source, options, server));
    closing.push(() => {
      front.close();
      server.forceShutdown();
    });
    const channel = new grpc.Client(`127.0.0.1:${portOf(front)}`, grpcCredentials(us.source, options));
    closing.push(() => channel.close());
    const ready = (): Promise<boolean> =>
      new Promise((resolve) =>
        channel.waitForReady(Date.now() + 1_000, (error) => resolve(error === undefined || error === null)),
      );
    expect(await ready()).toBe(true);
    await us.learn(peer.issued.serial);
    while (channel.getChannel().getConnectivityState(false) === grpc.connectivityState.READY)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await ready()).toBe(false);
  });
});

describe('a source', () => {
  it('asks a daemon that signs no lists for none', async () => {
    const daemon = await FakeWorkloadApi.start((stream) =>
      stream.send(wireMessage([wireOf(ca.issue('spiffe://td/x'), 'spiffe://td/x', [ca.der])])),
    );
    const source = await X509Source.open({ socket: daemon.uri });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([daemon.streams.map(({ method }) => method), source.status().crl]).toEqual([['FetchX509SVID'], undefined]);
    source.close();
    daemon.close();
  });

  it('goes on where the stream of bundles is refused, with the lists that come with its SVIDs', async () => {
    const daemon = await FakeWorkloadApi.start();
    const opening = X509Source.open({ socket: daemon.uri });
    const svids = await daemon.streamOf('FetchX509SVID');
    const message = wireMessage([wireOf(ca.issue('spiffe://td/x'), 'spiffe://td/x', [ca.der])]);
    svids.send({ ...message, crl: [await crlOf(ca, {})] });
    const source = await opening;
    (await daemon.streamOf('FetchX509Bundles')).end(grpc.status.UNIMPLEMENTED);
    svids.send({ ...message, crl: [await crlOf(ca, { revoked: ['aa', 'bb'], number: 2n })] });
    while (source.status().crl?.revoked !== 2) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(source.status().state).toBe('current');
    source.close();
    daemon.close();
  });
});
