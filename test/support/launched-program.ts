// SPDX-License-Identifier: Apache-2.0
/**
 * A program to be launched: one command a line on stdin, one JSON answer a line on stdout. Stands alone, so that it can be
 * copied to where another uid may read it.
 *
 *   launched-program.ts SOCKET [COMMAND]     with COMMAND: does that and exits
 *
 * `fetch` asks for an identity, and as any client asks again when the connection is closed or the answer is UNAVAILABLE;
 * `again` becomes this program anew; `child` starts it, to fetch; `be UID` changes the uid.
 */
import { spawn } from 'node:child_process';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [socket = '', command] = process.argv.slice(2);
const self = [...process.execArgv, process.argv[1] as string, socket];
const UNAVAILABLE = 14;

function say(event: string, more: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, pid: process.pid, uid: process.getuid?.(), ...more })}\n`);
}

/** The code of the status, 0 for a message. */
function fetchOnce(): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const session = connectHttp2('http://localhost', { createConnection: () => connect({ path: socket }) });
    const done = (code: number, text = ''): void => {
      resolve({ code, text });
      session.destroy();
    };
    session.on('error', (error) => done(UNAVAILABLE, error.message));
    session.on('close', () => done(UNAVAILABLE, 'closed'));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/SpiffeWorkloadAPI/FetchX509SVID',
      'content-type': 'application/grpc',
      te: 'trailers',
      'workload.spiffe.io': 'true',
    });
    stream.end(Buffer.alloc(5));
    stream.on('data', () => done(0));
    const status = (fields: Record<string, unknown>): void => {
      const code = fields['grpc-status'];
      if (code !== undefined) done(Number(code), decodeURIComponent(String(fields['grpc-message'] ?? '')));
    };
    stream.on('response', status);
    stream.on('trailers', status);
    stream.on('error', (error) => done(UNAVAILABLE, error.message));
  });
}

async function fetchIdentity(): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const { code, text } = await fetchOnce();
    if (code === UNAVAILABLE && tries < 20) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    say('fetched', { code, text });
    return;
  }
}

const commands: Record<string, (word: string) => void | Promise<void>> = {
  fetch: fetchIdentity,
  again: () => process.execve?.(process.execPath, [process.execPath, ...self], process.env),
  child: () => void spawn(process.execPath, [...self, 'fetch'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  be: (uid) => {
    process.setgid?.(Number(uid));
    process.setuid?.(Number(uid));
    say('done');
  },
};

if (command !== undefined) {
  await commands[command]?.('');
  process.exit(0);
}
createInterface({ input: process.stdin }).on('line', (line) => {
  const [name = '', word = ''] = line.split(' ');
  void commands[name]?.(word);
});
process.stdin.on('end', () => process.exit(0));
say('ready');
