// SPDX-License-Identifier: Apache-2.0
/**
 * A program that calls the Workload API as it is told, started by `inside-caller.ts` in a container, a pod or a unit: a
 * JSON object a line on stdin, JSON objects a line on stdout. Ends with its stdin. Imports nothing of this project,
 * because it runs as a copy.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

interface Command {
  readonly do: string;
  readonly call?: number;
  readonly socket?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly words?: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

const sessions = new Map<number, ClientHttp2Session>();

function say(event: string, more: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
}

/** The pid as the procfs that this process sees counts it: the host's, below the host's root. */
function look(event: string): void {
  say(event, {
    pid: Number(readlinkSync('/proc/self')),
    uid: process.getuid?.(),
    gid: process.getgid?.(),
    cgroup: readFileSync('/proc/self/cgroup', 'utf8'),
  });
}

function call({ call: at = 0, socket = '', method = '', headers = {} }: Command): void {
  const session = connectHttp2('http://localhost', { createConnection: () => connect({ path: socket }) });
  sessions.set(at, session);
  session.on('connect', () => say('connected', { call: at }));
  session.on('error', (error: NodeJS.ErrnoException) => {
    say('failed', { call: at, code: error.code, message: error.message });
    say('closed', { call: at });
  });
  const stream = session.request({
    ':method': 'POST',
    ':path': method,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  // One gRPC frame: not compressed, of length 0.
  stream.end(Buffer.alloc(5));
  let pending = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 5 && pending.length >= 5 + pending.readUInt32BE(1)) {
      const end = 5 + pending.readUInt32BE(1);
      say('message', { call: at, bytes: pending.subarray(5, end).toString('base64') });
      pending = pending.subarray(end);
    }
  });
  // A refusal without a message comes as headers alone.
  const status = (fields: Record<string, unknown>): void => {
    if (fields['grpc-status'] === undefined) return;
    const message = decodeURIComponent(String(fields['grpc-message'] ?? ''));
    say('status', { call: at, code: Number(fields['grpc-status']), message });
  };
  stream.on('response', status);
  stream.on('trailers', status);
  stream.on('error', (error) => say('reset', { call: at, message: error.message }));
  stream.on('close', () => {
    say('closed', { call: at });
    session.close();
    sessions.delete(at);
  });
}

const commands = new Map<string, (command: Command) => void>([
  ['look', () => look('look')],
  ['call', call],
  ['cancel', ({ call: at = 0 }) => sessions.get(at)?.destroy()],
  [
    'become',
    ({ words = [] }) => {
      process.execve?.(words[0] as string, words, process.env);
    },
  ],
  [
    'change',
    ({ uid, gid }) => {
      if (gid !== undefined) process.setgid?.(gid);
      if (uid !== undefined) process.setuid?.(uid);
      look('changed');
    },
  ],
  ['exit', () => process.exit(0)],
]);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as Command;
    try {
      commands.get(command.do)?.(command);
    } catch (error) {
      say('trouble', { do: command.do, message: String(error) });
    }
  })
  .on('close', () => process.exit(0));
look('ready');
