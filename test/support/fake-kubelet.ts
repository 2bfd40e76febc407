// SPDX-License-Identifier: Apache-2.0
/** A kubelet on a real HTTPS socket that answers whatever a test wants, and the files that whoever asks it needs. */
import { writeFileSync } from 'node:fs';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { podList } from './k8s-pods.ts';
import { type Issued, pem, TestCa } from './test-ca.ts';

export const KUBELET_CA = TestCa.create('cluster.local');
export const NODE_NAME = 'node1';

export interface FakeKubeletOptions {
  readonly folder: string;
  readonly certificate?: Issued;
  readonly plain?: boolean;
  /** Client certificates of this CA are asked for, and required. */
  readonly clientCa?: TestCa;
}

export class FakeKubelet {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly folder: string;
  port = 0;
  /** Paths, in the order in which they were asked for. */
  readonly asked: string[] = [];
  /** Tokens, client names, as each request brought them. */
  readonly callers: string[] = [];
  connections = 0;
  pods: readonly object[] = [];
  /** Instead of the list. */
  respond: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  readonly caPath: string;
  readonly tokenPath: string;

  private constructor(server: Server, folder: string) {
    this.#server = server;
    this.folder = folder;
    this.caPath = join(folder, 'ca.crt');
    this.tokenPath = join(folder, 'token');
    writeFileSync(this.caPath, pem(KUBELET_CA.der));
    this.token = 'token-1';
  }

  static async start(options: FakeKubeletOptions): Promise<FakeKubelet> {
    const issued = options.certificate ?? KUBELET_CA.issue('spiffe://x/kubelet', { uris: [], dns: [NODE_NAME] });
    const tls = {
      cert: issued.chain.map(pem).join(''),
      key: issued.key.export({ format: 'pem', type: 'pkcs8' }),
      ...(options.clientCa === undefined ? {} : { ca: pem(options.clientCa.der), requestCert: true }),
    };
    const server = options.plain === true ? (createPlainServer() as unknown as Server) : createServer(tls);
    const kubelet = new FakeKubelet(server, options.folder);
    server.on('request', (request, response) => kubelet.#serve(request, response));
    server.on('connection', (socket: Socket) => {
      kubelet.#sockets.add(socket);
      kubelet.connections += 1;
      socket.once('close', () => kubelet.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    kubelet.port = (server.address() as AddressInfo).port;
    return kubelet;
  }

  set token(text: string) {
    writeFileSync(this.tokenPath, text);
  }

  /** Ends every connection, as a restart does. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(request.url ?? '');
    this.callers.push(request.headers.authorization ?? 'nobody');
    if (this.respond !== undefined) this.respond(request, response);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(podList(...this.pods)));
  }
}
