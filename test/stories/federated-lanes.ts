// SPDX-License-Identifier: Apache-2.0
/**
 * Requests from a workload of one trust domain to a server of another, one after the other in each lane, without end: by mutual
 * TLS with a new connection for each, and with a JWT-SVID. Whatever is not answered as it should be is kept.
 */
import { X509Certificate } from 'node:crypto';
import { createServer, type RequestListener, request, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import {
  authorizeId,
  createHttpsServer,
  httpsAgent,
  JwtSource,
  jwtPeerOf,
  peerOf,
  requireJwtSvid,
  X509Source,
} from '../../src/client/index.ts';
import type { Daemon } from '../support/daemon.ts';
import { listening, portOf } from '../support/tls-parties.ts';

/** A workload of one daemon, in this process. */
export interface Side {
  readonly id: string;
  readonly x509: X509Source;
  readonly jwt: JwtSource;
}

export async function sideOf(daemon: Daemon, trustDomain: string, partner: string): Promise<Side> {
  const id = `spiffe://${trustDomain}/workload`;
  const selectors = [`unix:uid:${process.getuid?.()}`];
  await daemon.admin.createEntry({ spiffe_id: id, selectors, federates_with: [partner] });
  const socket = daemon.endpoint;
  return { id, x509: await X509Source.open({ socket }), jwt: await JwtSource.open({ socket }) };
}

/** Between two requests of a lane, so that the machine has room for others. */
const PAUSE_MS = 5;
const LANES = 2;

export class FederatedLanes {
  readonly failures: string[] = [];
  readonly counts = { mtls: 0, jwt: 0 };
  /** Certificates that the server, and the client, saw at the other end, by serial number. */
  readonly clients = new Map<string, X509Certificate>();
  readonly servers = new Map<string, X509Certificate>();
  /** Of tokens that were let in. */
  readonly kids = new Set<string>();
  readonly #client: Side;
  readonly #server: Side;
  readonly #open: Server[] = [];
  #stopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(client: Side, server: Side) {
    this.#client = client;
    this.#server = server;
  }

  async start(): Promise<void> {
    const [mtls, jwt] = [await this.#mtlsServer(), await this.#jwtServer()];
    const lanes = Array.from({ length: LANES }, () => [
      this.#lane('mtls', () => this.#callMtls(mtls)),
      this.#lane('jwt', () => this.#callJwt(jwt)),
    ]);
    this.#running = Promise.all(lanes.flat());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    for (const server of this.#open) server.close().closeAllConnections();
  }

  async #lane(kind: 'mtls' | 'jwt', call: () => Promise<string>): Promise<void> {
    while (!this.#stopped) {
      try {
        const said = await call();
        if (said !== `200 ${this.#client.id}`) throw new Error(said);
        this.counts[kind] += 1;
      } catch (error) {
        this.failures.push(`${kind}: ${(error as Error).message}`);
      }
      await sleep(PAUSE_MS);
    }
  }

  async #mtlsServer(): Promise<number> {
    const rules = { authorize: authorizeId(this.#client.id) };
    const server = createHttpsServer(this.#server.x509, rules, (call, answer) => {
      answer.end(keep(this.clients, call.socket as TLSSocket));
    });
    this.#open.push(server as unknown as Server);
    return portOf(await listening(server));
  }

  async #jwtServer(): Promise<number> {
    const rules = { source: this.#server.jwt, audience: this.#server.id, authorize: authorizeId(this.#client.id) };
    const admit = requireJwtSvid(rules);
    const answer: RequestListener = (call, response) =>
      admit(call, response, () => response.end(jwtPeerOf(call).spiffeId.toString()));
    const server = createServer(answer);
    this.#open.push(server);
    return portOf((await listening(server)) as never);
  }

  async #callMtls(port: number): Promise<string> {
    const agent = httpsAgent(this.#client.x509, { authorize: authorizeId(this.#server.id) });
    try {
      return await said(httpsRequest({ host: '127.0.0.1', port, agent }), (socket) => keep(this.servers, socket));
    } finally {
      agent.destroy();
    }
  }

  async #callJwt(port: number): Promise<string> {
    const { token, kid } = await this.#client.jwt.svid({ audience: this.#server.id });
    const headers = { authorization: `Bearer ${token}` };
    const answer = await said(request({ host: '127.0.0.1', port, headers, agent: false }));
    if (answer.startsWith('200 ')) this.kids.add(kid);
    return answer;
  }
}

function keep(seen: Map<string, X509Certificate>, socket: TLSSocket): string {
  const { spiffeId, serial, chain } = peerOf(socket);
  if (!seen.has(serial)) seen.set(serial, new X509Certificate(chain[0] as Buffer));
  return spiffeId.toString();
}

function said(call: ReturnType<typeof request>, look?: (socket: TLSSocket) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    call.on('response', (response) => {
      look?.(response.socket as TLSSocket);
      let body = '';
      response.setEncoding('utf8').on('data', (piece) => {
        body += piece;
      });
      response.on('error', reject).on('end', () => resolve(`${response.statusCode} ${body}`));
    });
    call.on('error', reject).end();
  });
}
