// SPDX-License-Identifier: Apache-2.0
/** One unary gRPC call over a connection that somebody else has made and judged (gRPC over HTTP/2, PROTOCOL-HTTP2.md). */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';

export class CallFailed extends Error {
  /** gRPC status; undefined when it is no gRPC. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

export interface UnaryCall {
  /** `/runtime.v1.RuntimeService/ContainerStatus` */
  readonly path: string;
  readonly message: Buffer;
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}

const PREFIX_BYTES = 5;

/** The answer's message. Rejects with CallFailed, or as the connection breaks. Closes the connection. */
export async function unaryCall(socket: Duplex, call: UnaryCall): Promise<Buffer> {
  const session = connect('http://localhost', { createConnection: () => socket, settings: { enablePush: false } });
  try {
    return await Promise.race([answerOf(session, call), broken(session)]);
  } finally {
    session.destroy();
  }
}

/** Never resolves. */
function broken(session: ClientHttp2Session): Promise<never> {
  return new Promise((_, reject) => session.on('error', reject));
}

async function answerOf(session: ClientHttp2Session, { path, message, mostBytes, signal }: UnaryCall): Promise<Buffer> {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request(headers, { signal });
  const said = heads(stream);
  stream.end(framed(message));
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    bytes += piece.length;
    // guard: I9 test/attestors/k8s/cri-runtime.test.ts
    if (bytes > mostBytes + PREFIX_BYTES) throw new CallFailed(`answers with over ${mostBytes} bytes`);
    pieces.push(piece);
  }
  const status = Number(said.get('grpc-status') ?? Number.NaN);
  if (said.get(':status') !== '200' || Number.isNaN(status)) throw new CallFailed('speaks no gRPC');
  if (status !== 0) throw new CallFailed(`refuses with gRPC status ${status}`, status);
  return unframed(Buffer.concat(pieces, bytes));
}

/** Of headers and trailers; an answer without a message has only headers. */
function heads(stream: ClientHttp2Stream): ReadonlyMap<string, string> {
  const said = new Map<string, string>();
  const note = (headers: IncomingHttpHeaders): void => {
    for (const name of [':status', 'grpc-status'])
      if (headers[name] !== undefined) said.set(name, String(headers[name]));
  };
  stream.on('response', note).on('trailers', note);
  return said;
}

function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function unframed(bytes: Buffer): Buffer {
  const plain = bytes.length >= PREFIX_BYTES && bytes[0] === 0;
  if (!plain || bytes.readUInt32BE(1) !== bytes.length - PREFIX_BYTES)
    throw new CallFailed('answers with no gRPC message');
  return bytes.subarray(PREFIX_BYTES);
}
