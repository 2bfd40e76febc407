// SPDX-License-Identifier: Apache-2.0
/** Mutual TLS between `assay/client` and programs that are not ours, both ways, over a rotation. */
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authorizeId, createHttpsServer, httpsAgent, peerOf, X509Source } from '../../src/client/index.ts';
import { Daemon, SHORT_LIVES } from '../support/daemon.ts';
import type { Event } from '../support/json-lines.ts';
import { GoWorkload } from './go-workload.ts';

const GO = 'spiffe://example.org/go';
const NODE = 'spiffe://example.org/node';
let go: GoWorkload;
let daemon: Daemon;
let source: X509Source;

beforeAll(async () => {
  go = new GoWorkload();
  daemon = await Daemon.start({ config: SHORT_LIVES });
  const uid = `unix:uid:${process.getuid?.()}`;
  await daemon.admin.createEntry({ spiffe_id: GO, selectors: [uid, `unix:path:${go.path}`] });
  await daemon.admin.createEntry({ spiffe_id: NODE, selectors: [uid, `unix:path:${process.execPath}`] });
  source = await X509Source.open({ socket: daemon.endpoint });
});

afterAll(async () => {
  source?.close();
  await daemon?.close();
  go?.remove();
});

describe('mutual TLS with go-spiffe', () => {
  it('CLI-10 X509-08: a Go client calls a Node server, a new connection each time, over rotations', async () => {
    const server = createHttpsServer(source, { authorize: authorizeId(GO) }, (call, answer) => {
      const peer = peerOf(call.socket);
      answer.end(`${peer.spiffeId} ${peer.serial}`);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      const { port } = server.address() as AddressInfo;
      const calls = go.run(daemon.endpoint, 'call', `127.0.0.1:${port}`, NODE, '20');
      await calls.succeeds();
      const answers = calls.events.filter((event) => event.event === 'answered');
      expect(answers).toHaveLength(20);
      expect(answers.every((answer) => String(answer['body']).startsWith(`${GO} `))).toBe(true);
      expect(distinct(answers, 'body')).toBeGreaterThanOrEqual(2);
      expect(distinct(answers, 'server')).toBeGreaterThanOrEqual(2);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('a Node client calls a Go server, one connection kept and one new each time, over rotations', async () => {
    const server = go.run(daemon.endpoint, 'serve', NODE);
    const kept = httpsAgent(source, { authorize: authorizeId(GO), agent: { keepAlive: true, maxSockets: 1 } });
    const fresh = httpsAgent(source, { authorize: authorizeId(GO) });
    try {
      const { address } = (await server.named('listening')) as unknown as { address: string };
      const seen = { kept: new Set<string>(), fresh: new Set<string>(), servers: new Set<string>() };
      for (let i = 0; i < 24; i += 1) {
        seen.kept.add((await get(address, kept)).body);
        const { body, server: serial } = await get(address, fresh);
        seen.fresh.add(body);
        seen.servers.add(serial);
        await new Promise((done) => setTimeout(done, 500));
      }
      // The kept connection shows the server the certificate of its handshake, the new ones the newest.
      expect(seen.kept.size).toBe(1);
      expect(seen.fresh.size).toBeGreaterThanOrEqual(2);
      expect(seen.servers.size).toBeGreaterThanOrEqual(2);
      for (const body of [...seen.kept, ...seen.fresh])
        expect(body).toMatch(/^spiffe:\/\/example\.org\/node [0-9a-f]+$/);
    } finally {
      kept.destroy();
      fresh.destroy();
      await server.stop();
    }
  });

  it('each refuses the other when it is not whom it expects', async () => {
    const server = createHttpsServer(source, { authorize: authorizeId(NODE) }, (_call, answer) => answer.end('no'));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const calls = go.run(daemon.endpoint, 'call', `127.0.0.1:${port}`, NODE, '1');
    expect(await calls.exited).toBe(1);
    expect(calls.count('answered')).toBe(0);
    const wrong = go.run(daemon.endpoint, 'call', `127.0.0.1:${port}`, GO, '1');
    expect(await wrong.exited).toBe(1);
    expect(String(wrong.events.at(-1)?.['error'])).toContain(`unexpected ID "${NODE}"`);
    server.close();
    server.closeAllConnections();
  });
});

const distinct = (events: readonly Event[], member: string): number => new Set(events.map((e) => e[member])).size;

function get(address: string, agent: ReturnType<typeof httpsAgent>): Promise<{ body: string; server: string }> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const call = request({ host, port, agent, path: '/' }, (response) => {
      const { serial } = peerOf(response.socket);
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve({ body, server: serial }));
    });
    call.on('error', reject);
    call.end();
  });
}
