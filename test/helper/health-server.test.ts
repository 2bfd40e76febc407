// SPDX-License-Identifier: Apache-2.0
/** What a probe is told, by where it asks from. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type HealthServer, serveHealth } from '../../src/helper/health-server.ts';
import type { HelperStatus } from '../../src/helper/helper.ts';
import type { TargetStatus } from '../../src/helper/target.ts';
import { freePort } from '../support/free-port.ts';
import { askHealth } from './health-client.ts';

const NOW = Date.UTC(2030, 0, 1);
const target = (name: string, more: Partial<TargetStatus> = {}): TargetStatus => ({
  name,
  folder: '/certs',
  files: [name.split(':')[1] ?? 'tls.crt'],
  state: 'written',
  freshUntil: NOW + 1_000,
  writtenAt: NOW - 1_000,
  writes: 1,
  problem: undefined,
  ...more,
});
let folder: string;
let port: number;
let server: HealthServer | undefined;
let status: HelperStatus;
let now: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-health-'));
  port = await freePort();
  now = NOW;
  status = { targets: [target('svid/x509'), target('jwt/jwt:token')], feeds: [], actions: [], child: undefined };
});

afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function serve(more: { readonly address?: string | undefined; readonly socket?: string } = {}): Promise<void> {
  const settings = { address: '127.0.0.1', port, socket: undefined, livePath: '/live', readyPath: '/ready', ...more };
  server = await serveHealth(
    settings,
    () => status,
    () => now,
  );
}

describe('the health page', () => {
  it('has the members of spiffe-helper’s, and more', async () => {
    await serve();
    expect(await askHealth(port)).toMatchObject({
      code: 200,
      status: 'OK',
      health: {
        file_write_statuses: { x509_write_status: 'written', jwt_write_status: { '/certs/token': 'written' } },
      },
      daemon: { reachable: true },
      outputs: [{ name: 'svid/x509', fresh_until: '2030-01-01T00:00:01.000Z', last_error: null }, {}],
    });
  });

  it.each([
    ['unwritten', 200, 503],
    ['failed', 503, 503],
    ['written', 200, 200],
  ] as const)('is of %s: live %i, ready %i', async (state, live, ready) => {
    status = { ...status, targets: [target('svid/x509', { state })] };
    await serve();
    expect((await askHealth(port, '/live')).code).toBe(live);
    expect(await askHealth(port, '/ready')).toMatchObject({
      code: ready,
      status: ready === 200 ? 'OK' : 'Service Unavailable',
    });
  });

  it.each([
    ['that is needed', true, 503],
    ['that can be done without', false, 200],
  ] as const)('is not alive after a final answer, of a stream %s', async (_what, needed, live) => {
    status = { ...status, feeds: [{ state: 'failed', updates: 0, problem: 'UNIMPLEMENTED: no', needed }] };
    await serve();
    expect(await askHealth(port, '/live')).toMatchObject({ code: live, daemon: { reachable: !needed } });
  });

  it('is unready from the moment on at which something ends', async () => {
    await serve();
    now = NOW + 1_000;
    expect(await askHealth(port)).toMatchObject({ code: 503, outputs: [{ state: 'expired' }, {}] });
    expect((await askHealth(port, '/live')).code).toBe(200);
  });

  it('I10: tells other machines no more than spiffe-helper does', async () => {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
    await serve({ address: undefined });
    expect(await askHealth(port, '/ready', 'GET', '127.0.0.1')).toHaveProperty('outputs');
    if (address === undefined) return;
    const told = await askHealth(port, '/ready', 'GET', address);
    expect(Object.keys(told).sort()).toEqual(['code', 'health', 'status']);
  });

  it('answers over a unix socket as well, and takes the place of one that was left', async () => {
    const socket = join(folder, 'health.sock');
    await serve({ socket });
    expect((await askHealth(socket)).code).toBe(200);
    expect(statSync(socket).mode & 0o777).toBe(0o666);
    await server?.close();
    writeFileSync(join(folder, 'file'), '');
    await serve({ socket });
    expect((await askHealth(socket)).code).toBe(200);
    await server?.close();
    await expect(serve({ socket: join(folder, 'file') })).rejects.toThrow(/cannot listen .*EADDRINUSE/);
    server = undefined;
  });

  it('says when its port is taken', async () => {
    await serve();
    const first = server;
    await expect(serve()).rejects.toMatchObject({ reason: 'HELPER_HEALTH_UNUSABLE' });
    server = first;
  });

  it('answers nothing but GET and HEAD of its two paths', async () => {
    await serve();
    expect((await askHealth(port, '/')).code).toBe(404);
    expect((await askHealth(port, '/ready/x')).code).toBe(404);
    expect((await askHealth(port, '/ready?x=1')).code).toBe(200);
    expect((await askHealth(port, '/ready', 'POST')).code).toBe(405);
    expect((await askHealth(port, '/ready', 'HEAD')).code).toBe(200);
  });

  it('I9: has only so many connections at once, and no patience with those that say nothing', async () => {
    await serve();
    const sockets: Socket[] = [];
    let ended = 0;
    for (let n = 0; n < 100; n += 1) {
      const socket = createConnection(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.on('close', () => {
        ended += 1;
      });
      sockets.push(socket);
    }
    const end = Date.now() + 5_000;
    while (ended < 36 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended).toBe(36);
    for (const socket of sockets) socket.destroy();
  });
});
