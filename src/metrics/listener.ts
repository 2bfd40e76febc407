// SPDX-License-Identifier: Apache-2.0
/**
 * Where numbers are read, over plain HTTP. Nobody is asked who they are, so what is there may be known to everybody who
 * reaches the address: loopback, unless the configuration says otherwise. Everything is bounded (I9).
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import { refuse } from '../https/routes.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Logger } from '../telemetry/logger.ts';
import { PacedWarnings } from '../telemetry/paced.ts';
import { CONTENT_TYPE } from './exposition.ts';

export interface MetricsListenerOptions {
  readonly host: string;
  readonly port: number;
  /** What is read. */
  readonly text: () => Promise<string>;
  readonly clock: Clock;
  readonly log: Logger;
}

const CONNECTIONS = 16;
const REQUEST_MS = 5_000;
const IDLE_MS = 10_000;
const HEADER_BYTES = 8_192;
const HEADERS = 64;
const REQUESTS_PER_CONNECTION = 100;
/** However busy. */
const LIFE_MS = 600_000;

export class MetricsListener {
  readonly #options: MetricsListenerOptions;
  readonly #server: Server;
  readonly #paced: PacedWarnings;
  readonly #open = new Set<Socket>();

  /** Resolves when it listens. */
  static async start(options: MetricsListenerOptions): Promise<MetricsListener> {
    const listener = new MetricsListener(options);
    await listener.#listen();
    return listener;
  }

  private constructor(options: MetricsListenerOptions) {
    this.#options = options;
    this.#paced = new PacedWarnings(options.log, options.clock);
    const bounds = { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, maxHeaderSize: HEADER_BYTES };
    // Not imported: it loads a client of HTTP that a daemon without this listener has no use for.
    const { createServer } = process.getBuiltinModule('node:http');
    this.#server = createServer({ ...bounds, connectionsCheckingInterval: 1_000 }, (request, response) => {
      void this.#answer(request, response);
    });
    // guard: I9 test/metrics/listener.test.ts
    this.#server.maxConnections = CONNECTIONS;
    this.#server.maxHeadersCount = HEADERS;
    this.#server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION;
    this.#server.setTimeout(IDLE_MS);
    this.#server.on('connection', (socket) => this.#keep(socket));
    this.#server.on('clientError', (_, socket) => socket.destroy());
    this.#server.on('drop', () =>
      this.#paced.warn('drop', { ceiling: CONNECTIONS }, 'a reader of metrics was refused'),
    );
    this.#server.on('error', (error) => this.#paced.error('listener', { err: error }, 'the metrics listener failed'));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends what is open. Idempotent. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    const { method, url, headers } = request;
    // guard: I10 test/metrics/listener.test.ts — a page in a browser of this machine reaches loopback by a name of its own
    if (!isOurs(headers.host)) return refuse(response, 421, 'this address is asked for by its number, or as localhost');
    if (url !== '/metrics') return refuse(response, 404, 'there is /metrics and nothing else');
    if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'only GET and HEAD are served here');
    try {
      const body = Buffer.from(await this.#options.text());
      response.writeHead(200, {
        'Content-Type': CONTENT_TYPE,
        'Content-Length': body.length,
        'Cache-Control': 'no-store',
      });
      response.end(method === 'HEAD' ? undefined : body);
    } catch (error) {
      this.#paced.error('text', { err: error }, 'metrics could not be told');
      refuse(response, 503, 'the numbers cannot be told now');
    }
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    const life = this.#options.clock.after(LIFE_MS, () => socket.destroy());
    socket.once('close', () => {
      life.cancel();
      this.#open.delete(socket);
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

/** `Host` names a number or localhost: no name that somebody else's name server leads here. */
function isOurs(host: string | undefined): boolean {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host ?? '') ?? [];
  return plain === 'localhost' || isIP(bracketed ?? plain ?? '') !== 0;
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): Failure {
  return new Failure(
    'failed-precondition',
    'METRICS_UNUSABLE',
    `metrics.listen: cannot listen at ${host}:${port} (${cause.code ?? cause.message})`,
    {
      field: 'metrics.listen',
      value: `${host}:${port}`,
      hint:
        cause.code === 'EADDRINUSE'
          ? 'give another port, or stop what uses this one'
          : 'give an address of this machine',
      cause,
    },
  );
}
