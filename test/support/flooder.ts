// SPDX-License-Identifier: Apache-2.0
/**
 * A hostile client, started under a uid of its own as a copy; imports nothing of this project.
 *
 *   flooder.ts SOCKET slow CONNECTIONS STREAMS   opens streams with a window of 0 and never reads
 *   flooder.ts SOCKET reset                      opens streams and resets them at once, on and on
 */
import http2 from 'node:http2';
import { connect } from 'node:net';

const [socket = '', mode = '', connections = '1', streams = '1'] = process.argv.slice(2);
const HEADERS = {
  ':method': 'POST',
  ':path': '/SpiffeWorkloadAPI/FetchX509SVID',
  'content-type': 'application/grpc',
  te: 'trailers',
  'workload.spiffe.io': 'true',
};

function session(initialWindowSize: number): http2.ClientHttp2Session {
  const made = http2.connect('http://localhost', {
    createConnection: () => connect(socket),
    settings: { initialWindowSize },
  });
  made.on('error', () => undefined);
  return made;
}

function slow(): void {
  for (let c = 0; c < Number(connections); c += 1) {
    const made = session(0);
    for (let s = 0; s < Number(streams); s += 1) {
      const call = made.request(HEADERS);
      call.on('error', () => undefined);
      call.end(Buffer.alloc(5));
    }
  }
}

function reset(): void {
  let made = session(65_535);
  let sent = 0;
  setInterval(() => {
    if (made.destroyed || made.closed) made = session(65_535);
    for (let i = 0; i < 30 && !made.destroyed && !made.closed; i += 1) {
      const call = made.request(HEADERS);
      call.on('error', () => undefined);
      call.close(http2.constants.NGHTTP2_CANCEL);
      sent += 1;
    }
  }, 2);
  setInterval(() => process.stdout.write(`${sent}\n`), 500);
}

if (mode === 'slow') slow();
else reset();
process.stdout.write('flooding\n');
setInterval(() => undefined, 1000);
