// SPDX-License-Identifier: Apache-2.0
/** The bytes that a client writes to ask for FetchX509SVID: preface, settings, headers, one empty message. */
import http2 from 'node:http2';
import { Duplex } from 'node:stream';

export async function fetchX509SvidBytes(): Promise<Buffer> {
  const written: Buffer[] = [];
  const sink = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk);
      done();
    },
  });
  const session = http2.connect('http://localhost', { createConnection: () => sink });
  session.on('error', () => undefined);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/SpiffeWorkloadAPI/FetchX509SVID',
    'content-type': 'application/grpc',
    te: 'trailers',
    'workload.spiffe.io': 'true',
  });
  stream.on('error', () => undefined);
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const bytes = Buffer.concat(written);
  session.destroy();
  return bytes;
}
