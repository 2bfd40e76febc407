// SPDX-License-Identifier: Apache-2.0
/**
 * A program, started by `callers.ts` under whatever uid a test wants: one call over a unix socket with nothing but
 * node:http2, so that what a client must bring along is visible. Prints one JSON object a line. Imports nothing of
 * this project, because it runs as a copy.
 *
 *   bare-caller.ts SOCKET METHOD HEADERS-AS-JSON
 */
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';

const [socket = '', method = '', headers = '{}'] = process.argv.slice(2);
const say = (event: string, more: object = {}): void => {
  process.stdout.write(`${JSON.stringify({ event, pid: process.pid, uid: process.getuid?.(), ...more })}\n`);
};

const session = connectHttp2('http://localhost', { createConnection: () => connect({ path: socket }) });
session.on('error', (error: NodeJS.ErrnoException) => {
  say('failed', { code: error.code, message: error.message });
  process.exit(1);
});
const stream = session.request({
  ':method': 'POST',
  ':path': method,
  'content-type': 'application/grpc',
  te: 'trailers',
  ...(JSON.parse(headers) as Record<string, string>),
});
// gRPC frames: not compressed, length, message; all requests of this API that are sent here are empty.
stream.end(Buffer.alloc(5));

let pending = Buffer.alloc(0);
stream.on('data', (chunk: Buffer) => {
  pending = Buffer.concat([pending, chunk]);
  while (pending.length >= 5 && pending.length >= 5 + pending.readUInt32BE(1)) {
    const end = 5 + pending.readUInt32BE(1);
    say('message', { bytes: pending.subarray(5, end).toString('base64') });
    pending = pending.subarray(end);
  }
});
// A refusal without a message comes as headers alone.
const status = (fields: Record<string, unknown>): void => {
  if (fields['grpc-status'] === undefined) return;
  say('status', {
    code: Number(fields['grpc-status']),
    message: decodeURIComponent(String(fields['grpc-message'] ?? '')),
  });
};
stream.on('response', status);
stream.on('trailers', status);
stream.on('error', (error) => say('reset', { message: error.message }));
stream.on('close', () => {
  say('closed');
  session.close();
});
