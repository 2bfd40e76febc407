// SPDX-License-Identifier: Apache-2.0
/**
 * Answers probes over HTTP: GET of two paths and nothing else. Over TCP from another machine, where anybody may ask, the answer
 * is that of spiffe-helper; from this one and over the unix socket it says all.
 */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { Failure } from '../lib/failure.ts';
import { briefHealth, fullHealth, isLive, isReady } from './health.ts';
import type { HelperStatus } from './helper.ts';
import { kindAt } from './present.ts';
import type { HealthSettings } from './settings.ts';

const REQUEST_TIMEOUT_MS = 5_000;
const MOST_CONNECTIONS = 64;
/** Whoever may enter its folder may ask. */
const SOCKET_MODE = 0o666;

export interface HealthServer {
  close(): Promise<void>;
}

export async function serveHealth(
  settings: HealthSettings,
  status: () => HelperStatus,
  now: () => number,
): Promise<HealthServer> {
  const servers: Server[] = [];
  const make = (): Server => {
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
    // guard: I9 test/helper/health-server.test.ts
    server.maxConnections = MOST_CONNECTIONS;
    server.keepAliveTimeout = REQUEST_TIMEOUT_MS;
    server.on('request', (request, response) => answer(settings, status(), now(), request, response));
    servers.push(server);
    return server;
  };
  const { port, address, socket } = settings;
  try {
    if (port !== undefined) await listen(make(), address === undefined ? { port } : { port, host: address }, `${port}`);
    if (socket !== undefined) {
      await removeStale(socket);
      await listen(make(), { path: socket }, socket);
      await chmod(socket, SOCKET_MODE);
    }
  } catch (error) {
    await closeAll(servers);
    throw error;
  }
  return { close: () => closeAll(servers) };
}

function answer(
  { livePath, readyPath }: HealthSettings,
  status: HelperStatus,
  now: number,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = request.url?.split('?', 1)[0];
  const probe = path === readyPath ? isReady(status, now) : path === livePath ? isLive(status) : undefined;
  if (probe === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
    end(response, probe === undefined ? 404 : 405, '');
    return;
  }
  // guard: I10 test/helper/health-server.test.ts — folders, identities and errors are nothing to other machines
  const said = isNear(request.socket.remoteAddress) ? fullHealth(status, probe, now) : briefHealth(status, probe);
  end(response, probe ? 200 : 503, `${JSON.stringify(said)}\n`);
}

function end(response: ServerResponse, code: number, body: string): void {
  response.writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-store', connection: 'close' });
  response.end(body);
}

/** Undefined: over the unix socket. */
function isNear(address: string | undefined): boolean {
  if (address === undefined || address === '::1') return true;
  return (isIPv6(address) ? address.replace(/^::ffff:/, '') : address).startsWith('127.');
}

function listen(server: Server, where: { port?: number; host?: string; path?: string }, shown: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const text = `health: cannot listen on ${shown} (${error.code ?? 'unknown error'})`;
      reject(
        new Failure('failed-precondition', 'HELPER_HEALTH_UNUSABLE', text, {
          field: 'health',
          value: shown,
          cause: error,
        }),
      );
    });
    server.listen(where, () => resolve());
  });
}

/** A socket that a helper before us left; anything else that has the path is in the way, and is said so by listen. */
async function removeStale(path: string): Promise<void> {
  const found = await kindAt(path);
  if (found?.isSocket() === true) await rm(path, { force: true });
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    ),
  );
}
