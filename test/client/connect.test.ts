// SPDX-License-Identifier: Apache-2.0
/** Every client adapter against servers without scruples: nothing is written to, or read from, one that is refused. */
import { get } from 'node:https';
import { createServer } from 'node:net';
import { makeGenericClientConstructor } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, request } from 'undici';
import { type Authorizer, authorizeAny, authorizeId } from '../../src/client/authorize.ts';
import { connectTls, type MtlsOptions } from '../../src/client/connect.ts';
import { grpcCredentials } from '../../src/client/grpc.ts';
import { httpsAgent } from '../../src/client/https-agent.ts';
import { peerOf } from '../../src/client/peer.ts';
import { undiciConnector } from '../../src/client/undici.ts';
import { BareServer, caA, caB, impostors, listening, Party, PEER_ID, portOf } from '../support/tls-parties.ts';

const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello';
/** An empty SETTINGS frame, with which an HTTP/2 server begins. */
const SETTINGS = Buffer.from('000000040000000000', 'hex');

let party: Party;
beforeAll(async () => {
  party = await Party.join();
});
afterAll(() => party.close());

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Sends something and answers with what came back; rejects when there was no connection. */
type Exchange = (port: number, options: MtlsOptions) => Promise<string>;

const exchanges: Readonly<Record<'tls' | 'https' | 'undici' | 'grpc', Exchange>> = {
  async tls(port, options) {
    const socket = await connectTls(party.source, { ...options, host: '127.0.0.1', port });
    closing.push(() => socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: peer\r\n\r\n');
    return new Promise((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
  },
  https(port, options) {
    const agent = httpsAgent(party.source, options);
    closing.push(() => agent.destroy());
    return new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent }, (response) =>
        response.once('data', (chunk) => resolve(String(chunk))),
      ).on('error', reject);
    });
  },
  async undici(port, options) {
    const dispatcher = new Agent({ connect: undiciConnector(party.source, options) });
    closing.push(() => dispatcher.destroy());
    const { body } = await request(`https://127.0.0.1:${port}/`, { dispatcher });
    return body.text();
  },
  grpc(port, options) {
    const Client = makeGenericClientConstructor({}, 'Test');
    const client = new Client(`127.0.0.1:${port}`, grpcCredentials(party.source, options), {
      'grpc.use_local_subchannel_pool': 1,
    });
    closing.push(() => client.close());
    const pass = (bytes: Buffer): Buffer => bytes;
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest('/Test/Call', pass, pass, Buffer.from('hello'), (error, answer) =>
        error === null ? resolve(String(answer)) : reject(error),
      );
    });
  },
};

const adapters = Object.keys(exchanges) as (keyof typeof exchanges)[];
const versions = [['TLSv1.2'], ['TLSv1.3']] as const;

async function bare(
  adapter: keyof typeof exchanges,
  credential = caB.issue(PEER_ID),
  maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3',
): Promise<BareServer> {
  const more = adapter === 'grpc' ? { ALPNProtocols: ['h2'], maxVersion } : { maxVersion };
  const server = await BareServer.start(credential, adapter === 'grpc' ? SETTINGS : RESPONSE, more);
  closing.push(() => server.close());
  return server;
}

/** Settles as the exchange does, or when the server hears a byte, which is how a test of refusal fails. */
function refusedOrHeard(exchange: Promise<string>, server: BareServer): Promise<unknown> {
  let over = false;
  const done = exchange.finally(() => {
    over = true;
  });
  const heard = async (): Promise<string> => {
    while (!over && server.bytes === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    return over ? done : 'the server was told something';
  };
  return Promise.race([done, heard()]);
}

/** After this no byte can come any more. */
async function settled(server: BareServer): Promise<void> {
  for (const closed of server.closed) await closed;
}

describe.each(adapters)('the %s client', (adapter) => {
  const authorize = authorizeId(PEER_ID);

  describe.each(versions)('over %s', (maxVersion) => {
    it('talks to the peer it wants', async () => {
      const server = await bare(adapter, caB.intermediate().issue(PEER_ID), maxVersion);
      const answer = exchanges[adapter](server.port, { authorize });
      answer.catch(() => undefined); // the bare server speaks no gRPC beyond its first frame
      if (adapter !== 'grpc') expect(await answer).toContain('hello');
      while (server.bytes === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      expect(server.tallies[0]?.protocol).toBe(maxVersion);
    });

    it.each(impostors)('%s: no byte passes either way for %s', async (_row, _what, make) => {
      const server = await bare(adapter, make(), maxVersion);
      await expect(refusedOrHeard(exchanges[adapter](server.port, { authorize }), server)).rejects.toThrow(/peer/);
      await settled(server);
      expect(server.closed.length).toBeGreaterThan(0);
      expect(server.bytes).toBe(0);
    });
  });

  it('says who was there and who was wanted', async () => {
    const server = await bare(adapter, caB.issue('spiffe://td-b/else'));
    await expect(exchanges[adapter](server.port, { authorize })).rejects.toThrow(
      `peer refused: it is spiffe://td-b/else, and wanted is ${PEER_ID}`,
    );
  });

  it('says that nobody listens', async () => {
    const server = await bare(adapter);
    const { port } = server;
    server.close();
    await expect(exchanges[adapter](port, { authorize })).rejects.toThrow(/ECONNREFUSED/);
  });

  it('I9: gives up on a server that never answers the handshake', async () => {
    const mute = createServer((socket) => closing.push(() => socket.destroy()));
    closing.push(() => mute.close());
    await listening(mute);
    await expect(exchanges[adapter](portOf(mute), { authorize, handshakeTimeoutMs: 100 })).rejects.toThrow(
      /no TLS connection .*within 0.1 s/,
    );
  });

  it('says that a server hung up during the handshake', async () => {
    const rude = createServer((socket) => socket.end());
    closing.push(() => rude.close());
    await listening(rude);
    await expect(exchanges[adapter](portOf(rude), { authorize })).rejects.toThrow(/disconnected|closed|ECONNRESET/);
  });

  it('cannot be made without an authoriser', async () => {
    const run = async (): Promise<string> => exchanges[adapter](1, {} as { authorize: Authorizer });
    await expect(run()).rejects.toThrow('nobody said who may be at the other end');
  });

  it('presents the newest SVID on each new connection', async () => {
    const server = await bare(adapter);
    const serials: string[] = [];
    for (let turn = 1; turn <= 2; turn += 1) {
      const { serial } = await party.rotate();
      exchanges[adapter](server.port, { authorize }).catch(() => undefined);
      while (server.tallies.length < turn) await new Promise((resolve) => setTimeout(resolve, 2));
      expect(server.tallies[turn - 1]!.peerSerial).toBe(serial);
      serials.push(serial);
    }
    expect(new Set(serials).size).toBe(2);
  });

  it('does not begin without a valid SVID of its own', async () => {
    const server = await bare(adapter);
    const other = await Party.join();
    const before = party;
    party = other;
    try {
      other.close();
      await expect(exchanges[adapter](server.port, { authorize })).rejects.toThrow('this X509Source was closed');
    } finally {
      party = before;
    }
    expect(server.tallies).toHaveLength(0);
  });
});

describe('connectTls', () => {
  it('hands out a connection with a proven peer', async () => {
    const credential = caB.intermediate().issue(PEER_ID);
    const server = await bare('tls', credential);
    const socket = await connectTls(party.source, { authorize: authorizeAny(), host: '127.0.0.1', port: server.port });
    closing.push(() => socket.destroy());
    expect(peerOf(socket)).toMatchObject({ serial: credential.serial, chain: credential.chain });
    expect(socket.authorized).toBe(true);
  });

  it('X509-17: also under authorizeAny, which is no leave for impostors', async () => {
    const server = await bare('tls', caA.issue(PEER_ID));
    await expect(
      connectTls(party.source, { authorize: authorizeAny(), host: '127.0.0.1', port: server.port }),
    ).rejects.toMatchObject({ reason: 'PEER_SVID_INVALID' });
  });

  it('ends when told by its signal', async () => {
    const mute = createServer((socket) => closing.push(() => socket.destroy()));
    closing.push(() => mute.close());
    await listening(mute);
    const stop = new AbortController();
    const opening = connectTls(party.source, {
      authorize: authorizeAny(),
      host: '127.0.0.1',
      port: portOf(mute),
      signal: stop.signal,
    });
    stop.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
    const early = { authorize: authorizeAny(), host: '127.0.0.1', port: portOf(mute), signal: stop.signal };
    await expect(connectTls(party.source, early)).rejects.toThrow('enough');
  });
});

describe('the https agent', () => {
  it('keeps a connection over a rotation when asked to', async () => {
    const server = await BareServer.start(caB.issue(PEER_ID), '');
    closing.push(() => server.close());
    const agent = httpsAgent(party.source, { authorize: authorizeId(PEER_ID), agent: { keepAlive: true } });
    closing.push(() => agent.destroy());
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = new Promise<void>((resolve, reject) => {
        get({ host: '127.0.0.1', port: server.port, agent }, (response) => response.resume().once('end', resolve)).on(
          'error',
          reject,
        );
      });
      while (server.bytes <= turn * 40) await new Promise((resolve) => setTimeout(resolve, 2));
      server.tallies[0]!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      await answer;
      await party.rotate();
    }
    expect(server.tallies).toHaveLength(1);
  });
});

describe('the undici connector', () => {
  it('X509-17: refuses http://, where nobody proves anything', async () => {
    let connections = 0;
    const plain = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    closing.push(() => plain.close());
    await listening(plain);
    const dispatcher = new Agent({ connect: undiciConnector(party.source, { authorize: authorizeAny() }) });
    closing.push(() => dispatcher.destroy());
    await expect(request(`http://127.0.0.1:${portOf(plain)}/`, { dispatcher })).rejects.toThrow(
      'would be sent in clear text',
    );
    expect(connections).toBe(0);
  });
});
