// SPDX-License-Identifier: Apache-2.0
/**
 * Constant requests over mutual TLS with the files of a helper: one loop with a new connection for each, one that keeps its
 * connection as long as the server does. A request counts as failed when it has no answer that is right. One on a kept
 * connection that the server had closed meanwhile is repeated once on a new one, as HTTP clients do (RFC 9112, section
 * 9.3.1), and counted.
 */
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { type Credentials, readCredentials } from './credentials.ts';

/** What a connection told of the certificate at its other end. */
interface Shown {
  readonly server: string;
  readonly issuer: string;
  readonly socket: TLSSocket;
}

export interface Answer extends Shown {
  readonly status: number;
  readonly body: string;
}

const shownBy = new WeakMap<TLSSocket, Shown>();

export interface HttpsTarget {
  readonly port: number;
  /** As it is in the server's certificate. */
  readonly name: string;
}

const REQUEST_TIMEOUT_MS = 5_000;
const PAUSE_MS = 15;

export class HttpsLoad {
  readonly failures: string[] = [];
  readonly servers = new Set<string>();
  readonly issuers = new Set<string>();
  readonly clients = new Set<string>();
  /** The last word of each body: the certificate that the proxy showed to the service behind it. */
  readonly upstream = new Set<string>();
  answered = 0;
  fresh = 0;
  kept = 0;
  keptConnections = 0;
  repeated = 0;
  readonly #target: HttpsTarget;
  readonly #folder: string;
  readonly #right: RegExp;
  #stopped = false;
  #loops: Promise<unknown> | undefined;

  /** `folder`: of the client's helper; `right`: the body of an answer that is right. */
  constructor(target: HttpsTarget, folder: string, right: RegExp) {
    this.#target = target;
    this.#folder = folder;
    this.#right = right;
  }

  start(): void {
    this.#loops = Promise.all([this.#loop(() => this.#new()), this.#loop(() => this.#keep())]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loops;
    this.#session?.agent.destroy();
  }

  async #loop(one: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      try {
        await one();
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        this.failures.push(`${new Date().toISOString()} ${code} ${message}`);
      }
      await sleep(PAUSE_MS);
    }
  }

  async #new(): Promise<void> {
    const credentials = readCredentials(this.#folder);
    this.fresh += 1;
    this.#saw(await call(this.#target, credentials), credentials);
  }

  #session: { readonly agent: Agent; readonly credentials: Credentials; open: boolean; used: boolean } | undefined;

  async #keep(again = false): Promise<void> {
    if (!this.#session?.open) {
      this.#session?.agent.destroy();
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      this.#session = { agent, credentials: readCredentials(this.#folder), open: true, used: false };
    }
    const session = this.#session;
    try {
      const answer = await call(this.#target, session.credentials, session.agent);
      if (!session.used) {
        this.keptConnections += 1;
        answer.socket.once('end', () => {
          session.open = false;
        });
        answer.socket.once('close', () => {
          session.open = false;
        });
      }
      session.used = true;
      if (!again) this.kept += 1;
      this.#saw(answer, session.credentials);
    } catch (error) {
      session.open = false;
      const { code } = error as NodeJS.ErrnoException;
      if (again || !session.used || !['ECONNRESET', 'EPIPE'].includes(code ?? '')) throw error;
      this.repeated += 1;
      this.kept += 1;
      await this.#keep(true);
    }
  }

  #saw({ status, body, server, issuer }: Answer, { serial }: Credentials): void {
    if (status !== 200 || !this.#right.test(body)) throw new Error(`answered ${status}: ${body.trim()}`);
    this.answered += 1;
    this.servers.add(server);
    this.issuers.add(issuer);
    this.clients.add(serial);
    this.upstream.add(body.trim().split(' ').at(-1) ?? '');
  }
}

/** Each time on a connection of its own, unless `agent` keeps one. */
export function call(
  { port, name }: HttpsTarget,
  credentials: Partial<Credentials> & Pick<Credentials, 'ca'>,
  agent?: Agent,
): Promise<Answer> {
  const { cert, key, ca } = credentials;
  const proof = cert && key ? { cert, key } : {};
  return new Promise((resolve, reject) => {
    let socket: TLSSocket;
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        servername: name,
        headers: { host: name },
        ca,
        ...proof,
        agent: agent ?? false,
        timeout: REQUEST_TIMEOUT_MS,
      },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('error', (error) => reject(new Error(`the answer was cut off: ${error.message}`)));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body, ...(shownBy.get(socket) as Shown) }),
        );
      },
    );
    sent.on('socket', (its) => {
      socket = its as TLSSocket;
      if (sent.reusedSocket) return;
      // Afterwards it may be closed by the other side, and tell no certificate any more.
      socket.once('secureConnect', () => {
        const shown = socket.getPeerX509Certificate();
        shownBy.set(socket, { server: shown?.serialNumber ?? '', issuer: shown?.issuer ?? '', socket });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', reject);
    sent.end();
  });
}
