// SPDX-License-Identifier: Apache-2.0
/**
 * Run as root in a pid namespace of its own: a server listens, leaves its socket to a child and ends; then a child of ours
 * gets the number that it had. Says whether the socket passes for that child's.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AF_UNIX, closeFd, connectSocket, openSocket, SOCK_STREAM } from '../../../src/peer/native.ts';
import { OwnChild, servedBy } from '../../../src/peer/served-by.ts';

const folder = mkdtempSync(join(tmpdir(), 'assay-reuse-'));
const path = join(folder, 'api.sock');

const server = spawn('python3', [join(import.meta.dirname, 'serve.py'), path, 'stream']);
await new Promise((resolve) => server.stdout.once('data', resolve));
const gone = new Promise((resolve) => server.once('exit', resolve));
server.stdin.write('hand-on\n');
await gone;

writeFileSync('/proc/sys/kernel/ns_last_pid', String((server.pid as number) - 1));
const own = spawn('sleep', ['60']);
const child = new OwnChild(own.pid as number);
const socket = openSocket(AF_UNIX, SOCK_STREAM, 0);
connectSocket(socket, Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(path), Buffer.from([0])]));
const said = {
  event: 'outcome',
  reused: own.pid === server.pid,
  named: servedBy(socket).pid === own.pid,
  passes: child.serves(socket),
};
process.stdout.write(`${JSON.stringify(said)}\n`);
closeFd(socket);
child.close();
own.kill('SIGKILL');
rmSync(folder, { recursive: true, force: true });
