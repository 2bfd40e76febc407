// SPDX-License-Identifier: Apache-2.0
/**
 * An agent and its tool, each a process of its own that says what happens to it, one JSON object a line.
 * `task-agent.ts agent SOCKET PORT PURPOSE` begins a task, holds it and starts the tool, which is
 * `task-agent.ts tool PORT`: it keeps a connection on which it never stops sending, and opens others with the SVID that it
 * had at the start, as whoever has taken its key would.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { authorizeId, connectTls, JwtSource, X509Source } from '../../src/client/index.ts';
import { TaskClient } from '../support/task-stream.ts';

const [role, ...args] = process.argv.slice(2);
const say = (event: string, more: object = {}): void =>
  void process.stdout.write(`${JSON.stringify({ event, at: Date.now(), pid: process.pid, ...more })}\n`);

if (role === 'agent') await agent(args[0] ?? '', args[1] ?? '', args[2] ?? '');
else await tool(Number(args[0]));

async function agent(socket: string, port: string, purpose: string): Promise<void> {
  const { active } = await new TaskClient(socket).run({ purpose }).at(1);
  if (active === undefined) throw new Error('the task is not active');
  say('active', { task: active.task_id });
  // It outlives the agent, as one would that means to.
  spawn(process.execPath, ['--no-warnings', import.meta.filename, 'tool', port], {
    env: { SPIFFE_ENDPOINT_SOCKET: active.socket },
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

async function tool(port: number): Promise<void> {
  const source = await X509Source.open();
  const { serial, chain, privateKey, spiffeId } = source.svid();
  const token = await (await JwtSource.open()).token({ audience: 'billing' });
  say('identity', { serial, token, id: spiffeId.toString() });
  await keep(source, port);
  const pem = (der: Buffer): string =>
    `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
  const cert = chain.map(pem).join('');
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  for (;;) {
    const from = Date.now();
    // Node's own TLS, which knows nothing of revocation.
    const socket = connect({ host: '127.0.0.1', port, cert, key, rejectUnauthorized: false });
    say((await answers(socket)) ? 'served' : 'refused', { from });
    await sleep(20);
  }
}

async function keep(source: X509Source, port: number): Promise<void> {
  const authorize = authorizeId('spiffe://example.org/billing');
  const kept = await connectTls(source, { authorize, host: '127.0.0.1', port });
  const pouring = setInterval(() => kept.write('x'), 5);
  kept.resume();
  kept.on('error', () => undefined);
  kept.on('close', () => {
    clearInterval(pouring);
    say('cut');
  });
}

function answers(socket: TLSSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (answered: boolean): void => {
      resolve(answered);
      socket.destroy();
    };
    socket.on('error', () => done(false));
    socket.on('close', () => done(false));
    socket.on('data', () => done(true));
    socket.write('?');
  });
}
