// SPDX-License-Identifier: Apache-2.0
/** A revoked peer in the middle of sending, in every adapter: what is heard of it, how soon it is cut, who is left alone. */
import { get, request } from 'node:https';
import type { Writable } from 'node:stream';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Agent, request as undiciRequest } from 'undici';
import { authorizeAny } from '../../src/client/authorize.ts';
import { connectTls } from '../../src/client/connect.ts';
import { grpcCredentials, grpcServer } from '../../src/client/grpc.ts';
import { httpsAgent } from '../../src/client/https-agent.ts';
import { peerOf } from '../../src/client/peer.ts';
import { createHttpsServer, createTlsServer } from '../../src/client/server.ts';
import { undiciConnector } from '../../src/client/undici.ts';
import { Member } from '../support/crl-member.ts';
import { TestCa } from '../support/test-ca.ts';
import { listening, portOf } from '../support/tls-parties.ts';

const CUT_WITHIN_MS = 2_000;
const ca = TestCa.create('td');
const options = { authorize: authorizeAny() };
const closing: (() => void)[] = [];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Bounded, so that what never comes is a failure and no test that never ends. */
async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + CUT_WITHIN_MS;
  while (!holds() && performance.now() < end) await sleep(2);
  expect(holds()).toBe(true);
}

let us: Member;
let peer: Member;
let other: Member;
beforeEach(async () => {
  [us, peer, other] = (await Promise.all(['us', 'peer', 'other'].map((name) => Member.join(name, [ca])))) as [
    Member,
    Member,
    Member,
  ];
});
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
  for (const member of [us, peer, other]) member.close();
});

/** What our application hears of one member, and when that one's application saw its connection end. */
class Flow {
  bytes = 0;
  endedAt: number | undefined;
  heard = (chunk: Buffer): void => {
    this.bytes += chunk.length;
  };
  ended = (): void => {
    this.endedAt ??= performance.now();
  };
}

/** Sends without a pause until it cannot any more. */
function pour(to: Writable, flow: Flow): void {
  const timer = setInterval(() => to.write('x'), 1);
  closing.push(() => clearInterval(timer));
  const stop = (): void => {
    clearInterval(timer);
    flow.ended();
  };
  to.on('error', stop).on('close', stop);
}

/** One method that streams bytes both ways; the grpc-js way without a proto file. */
const bytes = (value: Buffer): Buffer => value;
const both = {
  path: '/t.T/Both',
  requestStream: true,
  responseStream: true,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
} as const;
const quiet = <E extends { on(event: 'error', done: () => void): unknown }>(stream: E): E => {
  stream.on('error', () => undefined);
  return stream;
};

async function grpcFront(member: Member, onCall: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => void) {
  const server = new grpc.Server();
  server.addService({ Both: both }, { Both: onCall });
  const front = await listening(grpcServer(member.source, options, server));
  closing.push(() => {
    front.close();
    server.forceShutdown();
  });
  return portOf(front);
}

function grpcCall(member: Member, port: number) {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpcCredentials(member.source, options));
  closing.push(() => client.close());
  return quiet(client.makeBidiStreamRequest(both.path, bytes, bytes));
}

/** grpc-js writes Buffers, and no text. */
const asBuffers = (call: { write(chunk: Buffer): unknown; on(event: string, done: () => void): unknown }): Writable =>
  Object.assign(Object.create(call), { write: () => call.write(Buffer.from('x')), on: call.on.bind(call) }) as Writable;

type Open = () => Promise<Readonly<Record<'peer' | 'other', Flow>>>;
const flows = () => ({ peer: new Flow(), other: new Flow() });
const sending = () => [['peer', peer] as const, ['other', other] as const];
const nameOf = (socket: object): 'peer' | 'other' =>
  peerOf(socket as never)
    .spiffeId.toString()
    .endsWith('/peer')
    ? 'peer'
    : 'other';

const adapters: readonly (readonly [string, Open])[] = [
  [
    'a TLS server',
    async () => {
      const all = flows();
      const server = createTlsServer(us.source, options, (socket) => {
        quiet(socket).on('data', all[nameOf(socket)].heard);
        closing.push(() => socket.destroy());
      });
      await listening(server);
      closing.push(() => server.close());
      for (const [name, member] of sending())
        pour(await connectTls(member.source, { ...options, host: '127.0.0.1', port: portOf(server) }), all[name]);
      return all;
    },
  ],
  [
    'an https server',
    async () => {
      const all = flows();
      const server = createHttpsServer(us.source, options, (incoming) => {
        quiet(incoming).on('data', all[nameOf(incoming.socket)].heard);
      });
      await listening(server);
      closing.push(() => {
        server.close();
        server.closeAllConnections();
      });
      for (const [name, member] of sending()) {
        const agent = httpsAgent(member.source, options);
        pour(request({ host: '127.0.0.1', port: portOf(server), method: 'POST', agent }), all[name]);
      }
      return all;
    },
  ],
  [
    'a gRPC server',
    async () => {
      const all = flows();
      const port = await grpcFront(us, (call) => {
        const raw = call.getAuthContext().sslPeerCertificate?.raw as Buffer;
        quiet(call).on('data', (raw.equals(peer.issued.der) ? all.peer : all.other).heard);
      });
      for (const [name, member] of sending()) {
        const call = grpcCall(member, port);
        call.on('status', all[name].ended);
        call.resume();
        pour(asBuffers(call), all[name]);
      }
      return all;
    },
  ],
  [
    'a TLS client',
    async () => {
      const all = flows();
      for (const [name, member] of sending()) {
        const server = createTlsServer(member.source, options, (socket) => pour(socket, all[name]));
        await listening(server);
        closing.push(() => server.close());
        const socket = await connectTls(us.source, { ...options, host: '127.0.0.1', port: portOf(server) });
        quiet(socket).on('data', all[name].heard);
        closing.push(() => socket.destroy());
      }
      return all;
    },
  ],
  [
    'an https client',
    async () => {
      const all = flows();
      const agent = httpsAgent(us.source, { ...options, agent: { keepAlive: true } });
      closing.push(() => agent.destroy());
      for (const [name, member] of sending()) {
        const port = await streamingHttps(member, all[name]);
        const asked = quiet(get({ host: '127.0.0.1', port, agent }));
        asked.on('response', (response) => quiet(response).on('data', all[name].heard));
      }
      return all;
    },
  ],
  [
    'undici',
    async () => {
      const all = flows();
      const dispatcher = new Agent({ connect: undiciConnector(us.source, options) });
      closing.push(() => void dispatcher.destroy());
      for (const [name, member] of sending()) {
        const port = await streamingHttps(member, all[name]);
        const { body } = await undiciRequest(`https://127.0.0.1:${port}/`, { dispatcher });
        quiet(body).on('data', all[name].heard);
      }
      return all;
    },
  ],
  [
    'a gRPC client',
    async () => {
      const all = flows();
      for (const [name, member] of sending()) {
        const port = await grpcFront(member, (call) => {
          call.on('cancelled', all[name].ended);
          pour(asBuffers(quiet(call)), all[name]);
        });
        grpcCall(us, port).on('data', all[name].heard);
      }
      return all;
    },
  ],
];

async function streamingHttps(member: Member, flow: Flow): Promise<number> {
  const server = createHttpsServer(member.source, options, (_, response) => pour(response, flow));
  await listening(server);
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return portOf(server);
}

describe('WAPI-39: of a peer that is revoked in the middle of sending', () => {
  it.each(adapters)('%s hears nothing more, it is cut in time, and another goes on', async (_, open) => {
    const all = await open();
    await until(() => all.peer.bytes >= 20 && all.other.bytes >= 20);
    // The message is taken, and connections are cut, in one tick: the log says so in that tick.
    let atCut: number | undefined;
    const warn = us.log.warn.bind(us.log);
    us.log.warn = (fields, message) => {
      if (message === 'open connections of revoked peers were cut') atCut = all.peer.bytes;
      warn(fields, message);
    };
    const sentAt = performance.now();
    await us.learn(peer.issued.serial);
    await until(() => all.peer.endedAt !== undefined);
    const others = all.other.bytes;
    await sleep(100);
    expect((all.peer.endedAt as number) - sentAt).toBeLessThan(CUT_WITHIN_MS);
    expect(all.peer.bytes).toBe(atCut);
    expect(all.other.bytes).toBeGreaterThan(others + 10);
    expect(all.other.endedAt).toBeUndefined();
  });
});
