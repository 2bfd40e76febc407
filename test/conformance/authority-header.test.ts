// SPDX-License-Identifier: Apache-2.0
/**
 * CLI-19: what stands in `:authority` over a unix socket differs from client to client. Frames are made by hand, because a
 * client library would refuse, or repair, some of the forms.
 */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon } from '../support/daemon.ts';

const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PROTOCOL_ERROR = 1;
const END_STREAM_AND_HEADERS = 0x5;

let daemon: Daemon;

beforeAll(async () => {
  daemon = await Daemon.start();
});

afterAll(() => daemon?.close());

/** RFC 9113, section 4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literal without indexing, new name, no Huffman code (RFC 7541, section 6.2.2); lengths below 127. */
function field(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

interface Outcome {
  /** Of the first frame on the stream. */
  readonly type: number;
  readonly payload: Buffer;
}

function call(authority: string | undefined): Promise<Outcome> {
  const fields = [
    field(':method', 'POST'),
    field(':scheme', 'http'),
    field(':path', '/SpiffeWorkloadAPI/FetchX509SVID'),
    ...(authority === undefined ? [] : [field(':authority', authority)]),
    field('content-type', 'application/grpc'),
    field('te', 'trailers'),
  ];
  const request = Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(SETTINGS, 0, 0, Buffer.alloc(0)),
    frame(HEADERS, END_STREAM_AND_HEADERS, 1, Buffer.concat(fields)),
  ]);
  return new Promise((resolve, reject) => {
    const socket = connect(daemon.workloadSocket, () => socket.write(request));
    let received = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection ended without an answer on the stream')));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
        const payload = received.subarray(9, 9 + received.readUIntBE(0, 3));
        const [type, stream] = [received.readUInt8(3), received.readUInt32BE(5)];
        received = received.subarray(9 + payload.length);
        if (stream !== 1) continue;
        resolve({ type, payload });
        socket.removeAllListeners('close');
        socket.destroy();
        return;
      }
    });
  });
}

describe('a request over the unix socket', () => {
  // No security header, so the answer is INVALID_ARGUMENT in headers of its own: our code was reached.
  it.each(['localhost', 'spire_agent', '%2Ftmp%2Fapi.sock'])(
    'CLI-19: with the authority %s is served',
    async (name) => {
      expect((await call(name)).type).toBe(HEADERS);
    },
  );

  it.each(['/tmp/api.sock', '', undefined])(
    'CLI-19: with the authority %j ends in a protocol error of HTTP/2, and others are served',
    async (name) => {
      const { type, payload } = await call(name);
      expect([type, payload.readUInt32BE(0)]).toEqual([RST_STREAM, PROTOCOL_ERROR]);
      expect((await call('localhost')).type).toBe(HEADERS);
    },
  );
});
