// SPDX-License-Identifier: Apache-2.0
import type { Server as TlsServer } from 'node:tls';
import { Client, Server, type ServerReadableStream, type ServerUnaryCall, type ServiceDefinition } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { authorizeId } from '../../src/client/authorize.ts';
import { grpcCredentials, grpcServer, peerOfCall } from '../../src/client/grpc.ts';
import type { Failure } from '../../src/lib/failure.ts';
import {
  bareClient,
  caB,
  endedOrHeard,
  impostors,
  listening,
  OUR_ID,
  Party,
  PEER_ID,
  portOf,
} from '../support/tls-parties.ts';

const pass = (bytes: Buffer): Buffer => bytes;
const method = { requestSerialize: pass, requestDeserialize: pass, responseSerialize: pass, responseDeserialize: pass };
const service: ServiceDefinition = {
  Who: { path: '/Test/Who', requestStream: false, responseStream: false, ...method },
  Hold: { path: '/Test/Hold', requestStream: true, responseStream: false, ...method },
};
/** The connection preface, an empty SETTINGS frame and the HEADERS of a request (RFC 9113, section 3.4). */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('000000040000000000', 'hex'),
]);

let party: Party;
beforeAll(async () => {
  party = await Party.join();
});
afterAll(() => party.close());

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

interface Served {
  readonly port: number;
  readonly front: TlsServer;
  readonly refusals: Failure[];
  calls: number;
  connections: number;
}

async function serve(wanted: string): Promise<Served> {
  const server = new Server();
  const served = { refusals: [] as Failure[], calls: 0, connections: 0 } as unknown as Served;
  server.addService(service, {
    Who(call: ServerUnaryCall<Buffer, Buffer>, answer: (error: null, value: Buffer) => void) {
      served.calls += 1;
      answer(null, Buffer.from(`${peerOfCall(call).spiffeId} ${peerOfCall(call).serial}`));
    },
    Hold(call: ServerReadableStream<Buffer, Buffer>, answer: (error: null, value: Buffer) => void) {
      let bytes = 0;
      call.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      call.on('end', () => answer(null, Buffer.from(String(bytes))));
    },
  });
  const front = grpcServer(party.source, { authorize: authorizeId(wanted) }, server);
  front.on('tlsClientError', (error) => served.refusals.push(error as Failure));
  front.on('connection', () => {
    served.connections += 1;
  });
  await listening(front);
  closing.push(() => {
    front.close();
    server.forceShutdown();
  });
  return Object.assign(served, { front, port: portOf(front) });
}

function client(port: number, wanted: string): Client {
  const made = new Client(`127.0.0.1:${port}`, grpcCredentials(party.source, { authorize: authorizeId(wanted) }), {
    'grpc.use_local_subchannel_pool': 1,
  });
  closing.push(() => made.close());
  return made;
}

function who(made: Client): Promise<string> {
  return new Promise((resolve, reject) => {
    made.makeUnaryRequest('/Test/Who', pass, pass, Buffer.alloc(0), (error, answer) =>
      error ? reject(error) : resolve(String(answer)),
    );
  });
}

describe('gRPC between two processes', () => {
  it('works, and tells the server who calls', async () => {
    const served = await serve(OUR_ID);
    expect(await who(client(served.port, OUR_ID))).toBe(`${OUR_ID} ${party.source.svid().serial}`);
  });

  it('keeps its connection and an open call over a rotation; a new connection has the new SVID', async () => {
    const served = await serve(OUR_ID);
    const kept = client(served.port, OUR_ID);
    const before = await who(kept);
    const counted = new Promise((resolve, reject) => {
      const call = kept.makeClientStreamRequest('/Test/Hold', pass, pass, (error, answer) =>
        error ? reject(error) : resolve(String(answer)),
      );
      call.write(Buffer.from('one'));
      party.rotate().then(() => call.end(Buffer.from('two')), reject);
    });
    expect(await counted).toBe('6');
    expect(await who(kept)).toBe(before);
    expect(await who(client(served.port, OUR_ID))).toBe(`${OUR_ID} ${party.source.svid().serial}`);
    expect(served.connections).toBe(2);
  });

  it('says on the client who was wanted', async () => {
    const served = await serve(OUR_ID);
    await expect(who(client(served.port, PEER_ID))).rejects.toThrow(
      `peer refused: it is ${OUR_ID}, and wanted is ${PEER_ID}`,
    );
    expect(served.calls).toBe(0);
  });

  it('is refused on the server for whom it does not want', async () => {
    const served = await serve(PEER_ID);
    await expect(who(client(served.port, OUR_ID))).rejects.toThrow(/UNAVAILABLE/);
    expect(served.calls).toBe(0);
    expect(served.refusals[0]?.message).toBe(`peer refused: it is ${OUR_ID}, and wanted is ${PEER_ID}`);
  });
});

describe.each([['TLSv1.2'], ['TLSv1.3']] as const)('a gRPC server over %s', (maxVersion) => {
  const h2 = { maxVersion, ALPNProtocols: ['h2'] };

  it('begins to speak HTTP/2 with the peer it wants', async () => {
    const served = await serve(PEER_ID);
    const bare = bareClient(served.port, caB.issue(PEER_ID), PREFACE, h2);
    while (bare.bytes < 9) await new Promise((resolve) => setTimeout(resolve, 2));
    bare.socket.destroy();
  });

  it.each(impostors)('%s: no byte passes either way for %s', async (_row, _what, make) => {
    const served = await serve(PEER_ID);
    const bare = bareClient(served.port, make(), PREFACE, h2);
    await endedOrHeard(bare);
    expect(bare.bytes).toBe(0);
    expect(served.refusals).toHaveLength(1);
  });

  it('gives no byte to a client without a certificate', async () => {
    const served = await serve(PEER_ID);
    const bare = bareClient(served.port, undefined, PREFACE, h2);
    await endedOrHeard(bare);
    expect(bare.bytes).toBe(0);
    expect(served.refusals[0]).toMatchObject({ reason: 'PEER_WITHOUT_CERTIFICATE' });
  });

  it('does not guess at a protocol that was not agreed on', async () => {
    const served = await serve(PEER_ID);
    const bare = bareClient(served.port, caB.issue(PEER_ID), PREFACE, { maxVersion });
    await endedOrHeard(bare);
    expect(bare.bytes).toBe(0);
  });
});

describe('peerOfCall', () => {
  it('is an error for a call that came otherwise', () => {
    expect(() => peerOfCall({ getAuthContext: () => ({}) })).toThrow(
      'did not come over a connection that assay/client verified',
    );
  });
});
