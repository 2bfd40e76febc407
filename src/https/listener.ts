// SPDX-License-Identifier: Apache-2.0
/**
 * One HTTPS listener. Anybody who reaches the address may connect, so everything is bounded: connections in all and from one
 * address, the handshake, a request's headers and time, how long a connection lives at all (I9). No client certificate is
 * asked for (FED-05). The certificate is whatever its source holds at the moment of a handshake.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { tlsRules } from '../lib/tls-rules.ts';
import type { Logger } from '../telemetry/logger.ts';
import { PacedWarnings } from '../telemetry/paced.ts';
import { ConnectionCount } from './connection-count.ts';
import { answer, errorBody, NO_BODY, type Routes, refuse } from './routes.ts';

/** PEM; `key` never leaves this room. */
export type ServerCertificate = Required<Pick<SecureContextOptions, 'cert' | 'key'>>;

export interface CertificateSource {
  /** What is shown now; undefined while there is none, and no handshake succeeds. */
  current(): ServerCertificate | undefined;
  onChange(listener: () => void): () => void;
}

export interface HttpsOptions {
  readonly host: string;
  readonly port: number;
  readonly certificate: CertificateSource;
  readonly routes: Routes;
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly headerBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const HANDSHAKE_MS = 10_000;
const REQUEST_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
/** Neither sent nor taken anything for this long. */
const IDLE_MS = 15_000;
/** However busy: a reader that takes a byte now and then must not stay. */
const LIFE_MS = 60_000;
const REQUESTS_PER_CONNECTION = 100;
const HEADERS = 64;

export class HttpsListener {
  readonly #options: HttpsOptions;
  readonly #server: Server;
  readonly #count: ConnectionCount;
  readonly #paced: PacedWarnings;
  readonly #open = new Set<Socket>();
  readonly #forgetCertificate: () => void;

  /** Resolves when it listens. */
  static async start(options: HttpsOptions): Promise<HttpsListener> {
    const listener = new HttpsListener(options);
    try {
      await listener.#listen();
    } catch (error) {
      await listener.close();
      throw error;
    }
    return listener;
  }

  private constructor(options: HttpsOptions) {
    this.#options = options;
    this.#count = new ConnectionCount(options.connections, options.connectionsPerAddress);
    this.#paced = new PacedWarnings(options.log, options.clock);
    this.#server = this.#makeServer();
    this.#forgetCertificate = options.certificate.onChange(() => this.#server.setSecureContext(this.#context()));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends what is open. Idempotent. */
  async close(): Promise<void> {
    this.#forgetCertificate();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #context(): SecureContextOptions {
    return { ...tlsRules(), ...this.#options.certificate.current() };
  }

  #makeServer(): Server {
    const server = createServer({
      ...this.#context(),
      // FED-05
      requestCert: false,
      handshakeTimeout: HANDSHAKE_MS,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: this.#options.headerBytes,
    });
    server.maxHeadersCount = HEADERS;
    server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION;
    server.setTimeout(IDLE_MS);
    server.prependListener('connection', (socket: Socket) => this.#admit(socket));
    server.on('request', (request, response) => this.#answer(request, response));
    server.on('checkContinue', (_, response) => refuse(response, 413, NO_BODY));
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseBytes(error, socket as Socket));
    server.on('tlsClientError', (_, socket) => socket.destroy());
    server.on('error', (error) => this.#paced.error('listener', { err: error }, 'the HTTPS listener failed'));
    return server;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    answer(this.#options.routes, request, response, (error) =>
      this.#paced.error('document', { err: error }, 'a document could not be made'),
    );
  }

  /** Runs before TLS begins. */
  #admit(socket: Socket): void {
    const entered = this.#count.enter(socket.remoteAddress ?? '');
    if (typeof entered === 'string') {
      socket.destroy();
      this.#paced.warn(entered, { ceiling: entered }, 'an HTTPS connection was refused: too many are open');
      return;
    }
    this.#open.add(socket);
    // guard: I9 test/https/bounds.test.ts
    const life = this.#options.clock.after(LIFE_MS, () => socket.destroy());
    socket.once('close', () => {
      life.cancel();
      this.#open.delete(socket);
      entered();
    });
  }

  #listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(host, port, cause)));
      this.#server.listen({ host, port, exclusive: true }, () => resolve());
    });
  }
}

/** What Node could not read as a request: too long a header, no HTTP, a request that did not end in time. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const body = errorBody('this is no request that is answered here');
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/** `field`: the setting. */
export function cannotListen(
  host: string,
  port: number,
  cause: NodeJS.ErrnoException,
  field = 'https.listen',
): Failure {
  const taken = cause.code === 'EADDRINUSE';
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Failure(
    'failed-precondition',
    'HTTPS_UNUSABLE',
    `${field}: cannot listen at ${at}: ${taken ? 'somebody else listens there' : (cause.code ?? cause.message)}`,
    { field, value: at, hint: 'give an address of this machine and a port that is free', cause },
  );
}
