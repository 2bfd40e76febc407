// SPDX-License-Identifier: Apache-2.0
/**
 * An HTTPS listener for whoever proves who it is: the chain that a client presents is verified right after the handshake,
 * before a byte of it is read, by a check that is handed in; Node itself trusts nothing here. It answers forms, by POST.
 *
 * Of its own, and not a part of the open one: that may not ask for a certificate (FED-05).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { tlsRules } from '../lib/tls-rules.ts';
import type { Logger } from '../telemetry/logger.ts';
import { PacedWarnings } from '../telemetry/paced.ts';
import { ConnectionCount } from './connection-count.ts';
import { type CertificateSource, cannotListen } from './listener.ts';

export interface MutualPeer {
  readonly spiffeId: string;
  /** False once its certificate has expired or was revoked: it is answered no more. */
  stillGood(): boolean;
}

export interface FormAnswer {
  readonly status: number;
  /** JSON; nothing where it is left out. */
  readonly body?: object;
}

/** Answers a form. A throw is answered with 503 and logged. */
export type FormRoute = (form: URLSearchParams, peer: MutualPeer) => FormAnswer | Promise<FormAnswer>;

export interface MutualOptions {
  readonly host: string;
  readonly port: number;
  /** Names the setting in errors. */
  readonly field: string;
  readonly certificate: CertificateSource;
  /** Throws unless the peer may be here. Called once, in the tick in which the handshake ends. */
  readonly verify: (socket: TLSSocket) => MutualPeer;
  readonly routes: ReadonlyMap<string, FormRoute>;
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly headerBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const HANDSHAKE_MS = 10_000;
const REQUEST_MS = 10_000;
const KEEP_ALIVE_MS = 15_000;
/** However busy: it comes back with the certificate that it has by then. */
const LIFE_MS = 600_000;
const REQUESTS_PER_CONNECTION = 10_000;
const HEADERS = 64;
/** A token is at most 8 KiB (JWT-03), and a form a little more. */
const FORM_BYTES = 16_384;
const FORM = 'application/x-www-form-urlencoded';

export class MutualListener {
  readonly #options: MutualOptions;
  readonly #server: Server;
  readonly #count: ConnectionCount;
  readonly #paced: PacedWarnings;
  readonly #open = new Set<Socket>();
  readonly #peers = new WeakMap<object, MutualPeer>();
  readonly #forget: () => void;

  /** Resolves when it listens. */
  static async start(options: MutualOptions): Promise<MutualListener> {
    const listener = new MutualListener(options);
    try {
      await listener.#listen();
    } catch (error) {
      await listener.close();
      throw error;
    }
    return listener;
  }

  private constructor(options: MutualOptions) {
    this.#options = options;
    this.#count = new ConnectionCount(options.connections, options.connectionsPerAddress);
    this.#paced = new PacedWarnings(options.log, options.clock);
    this.#server = this.#makeServer();
    this.#forget = options.certificate.onChange(() => this.#server.setSecureContext(this.#context()));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends what is open. Idempotent. */
  async close(): Promise<void> {
    this.#forget();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #context(): SecureContextOptions {
    // An empty list and not none: none would mean the public web's roots, and their names in the request.
    return { ...tlsRules(), ca: [], ...this.#options.certificate.current() };
  }

  #makeServer(): Server {
    const server = createServer({
      ...this.#context(),
      requestCert: true,
      // Not trust, but another judge (X509-17).
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_MS,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: this.#options.headerBytes,
    });
    server.maxHeadersCount = HEADERS;
    server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION;
    server.prependListener('connection', (socket: Socket) => this.#admit(socket));
    const pass = server.emit.bind(server) as (event: string | symbol, ...values: unknown[]) => boolean;
    const gate = (event: string | symbol, ...values: unknown[]): boolean => {
      // guard: X509-17 test/https/mutual-listener.test.ts — nothing of a connection is read before its peer was verified
      if (event === 'secureConnection' && !this.#isPeer(values[0] as TLSSocket)) return true;
      return pass(event, ...values);
    };
    server.emit = gate as Server['emit'];
    server.on('request', (request, response) => void this.#answer(request, response));
    server.on('clientError', (_, socket) => (socket as Socket).destroy());
    server.on('tlsClientError', (_, socket) => socket.destroy());
    server.on('error', (error) => this.#paced.error('listener', { err: error }, 'the listener for peers failed'));
    return server;
  }

  #isPeer(socket: TLSSocket): boolean {
    try {
      this.#peers.set(socket, this.#options.verify(socket));
      return true;
    } catch (error) {
      socket.destroy();
      this.#paced.warn('peer', { err: error }, 'a peer was refused');
      return false;
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const peer = this.#peers.get(request.socket);
    // guard: I7 test/https/mutual-listener.test.ts
    if (peer === undefined || !peer.stillGood()) {
      request.socket.destroy();
      return;
    }
    const route = this.#options.routes.get(request.url ?? '');
    if (route === undefined) return refuse(response, 404, 'invalid_request', 'nothing is served at this path');
    if (request.method !== 'POST') return refuse(response, 405, 'invalid_request', 'only POST is served here');
    // guard: I9 test/https/mutual-listener.test.ts
    if (contentTypeOf(request) !== FORM) return refuse(response, 415, 'invalid_request', `the body has to be ${FORM}`);
    const form = await readForm(request);
    if (form === undefined) return refuse(response, 413, 'invalid_request', `a form has at most ${FORM_BYTES} bytes`);
    try {
      const { status, body } = await route(form, peer);
      send(response, status, body);
    } catch (error) {
      this.#paced.error('route', { err: error }, 'a form could not be answered');
      refuse(response, 503, 'temporarily_unavailable', 'this cannot be answered now');
    }
  }

  /** Runs before TLS begins. */
  #admit(socket: Socket): void {
    const entered = this.#count.enter(socket.remoteAddress ?? '');
    if (typeof entered === 'string') {
      socket.destroy();
      this.#paced.warn(entered, { ceiling: entered }, 'a connection of a peer was refused: too many are open');
      return;
    }
    this.#open.add(socket);
    // guard: I9 test/https/mutual-listener.test.ts
    const life = this.#options.clock.after(LIFE_MS, () => socket.destroy());
    socket.once('close', () => {
      life.cancel();
      this.#open.delete(socket);
      entered();
    });
  }

  #listen(): Promise<void> {
    const { host, port, field } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(host, port, cause, field)));
      this.#server.listen({ host, port, exclusive: true }, () => resolve());
    });
  }
}

/** Undefined where it is too large. */
async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // guard: I9 test/https/mutual-listener.test.ts
    if (size > FORM_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function contentTypeOf({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** RFC 6749 section 5.2. Ends the connection too: what a refused request would send next is not waited for. */
function refuse(response: ServerResponse, status: number, error: string, why: string): void {
  response.setHeader('Connection', 'close');
  if (status === 405) response.setHeader('Allow', 'POST');
  send(response, status, { error, error_description: why });
}

function send(response: ServerResponse, status: number, body: object | undefined): void {
  const text = body === undefined ? '' : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(text);
}
