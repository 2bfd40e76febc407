// SPDX-License-Identifier: Apache-2.0
/** A container engine that answers as a test wants, on a real unix socket, and counts what it is asked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import type { ConnectEngine } from '../../attestors/docker/http.ts';
import { tempDir } from './temp-dir.ts';

export interface FakeContainer {
  readonly pid: number;
  readonly running?: boolean;
  readonly name?: string;
  readonly image?: string;
  readonly reference?: string;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly env?: readonly string[] | null;
}

export interface FakeImage {
  readonly labels?: Readonly<Record<string, string>>;
  readonly env?: readonly string[];
  readonly digests?: readonly string[];
}

export const IMAGE = `sha256:${'1a'.repeat(32)}`;
const folder = tempDir('fake-engine');
let count = 0;
const open = new Set<FakeEngine>();
afterEach(async () => {
  await Promise.all([...open].map((engine) => engine.stop()));
  open.clear();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export class FakeEngine {
  readonly containers = new Map<string, FakeContainer>();
  readonly images = new Map<string, FakeImage>([[IMAGE, {}]]);
  /** What was asked, without the version; `/_ping` and `/events` apart. */
  readonly asked: string[] = [];
  /** Every path as it came. */
  readonly paths: string[] = [];
  readonly path = join(folder, `${count++}.sock`);
  apiVersion: string | undefined = '1.41';
  podman = false;
  events = true;
  /** Answers instead, where it does not return false. */
  instead: ((path: string, ...rest: Parameters<Handler>) => boolean) | undefined;
  /** Waited for before an answer about a container is made. */
  hold: Promise<void> | undefined;
  readonly #streams = new Set<ServerResponse>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #waiting: (() => void)[] = [];

  static async start(containers: Readonly<Record<string, FakeContainer>> = {}): Promise<FakeEngine> {
    const engine = new FakeEngine();
    for (const [id, container] of Object.entries(containers)) engine.containers.set(id, container);
    await engine.start();
    return engine;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server = server;
    open.add(this);
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  /** With everything that is connected to it. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }

  /** As an attestor is given it; judged elsewhere. */
  readonly connect: ConnectEngine = (signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const socket = connect(this.path);
      socket.once('connect', () => resolve(socket));
      socket.once('error', reject);
    });

  get listeners(): number {
    return this.#streams.size;
  }

  /** Somebody follows its events. */
  async followed(): Promise<void> {
    while (this.#streams.size === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  tell(action: string, id: string): void {
    this.say(`${JSON.stringify({ Type: 'container', Action: action, Actor: { ID: id, Attributes: {} } })}\n`);
  }

  /** Anything at all, to those who follow its events. */
  say(text: string): void {
    for (const stream of this.#streams) stream.write(text);
  }

  endEvents(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const whole = request.url ?? '';
    this.paths.push(whole);
    const path = whole.replace(/^\/v1\.\d+/, '');
    if (this.instead?.(path, request, response) === true) return;
    if (path === '/_ping') this.#ping(response);
    else if (path.startsWith('/events')) this.#follow(response);
    else await this.#tellOf(path, response);
  }

  async #tellOf(path: string, response: ServerResponse): Promise<void> {
    this.asked.push(path);
    const [, container] = /^\/containers\/([0-9a-f]+)\/json$/.exec(path) ?? [];
    const [, image] = /^\/images\/(.+)\/json$/.exec(path) ?? [];
    if (container !== undefined) {
      // As it is now, however long the answer takes.
      const now = this.containers.get(container);
      await this.hold;
      inspected(container, now, response);
    } else if (image !== undefined) described(image, this.images.get(image), response);
    else json(response, 404, { message: 'page not found' });
  }

  #ping(response: ServerResponse): void {
    if (this.apiVersion !== undefined) response.setHeader('Api-Version', this.apiVersion);
    if (this.podman) response.setHeader('Libpod-API-Version', '4.3.1');
    response.end('OK');
  }

  #follow(response: ServerResponse): void {
    if (!this.events) {
      json(response, 500, { message: 'no events' });
      return;
    }
    response.writeHead(200).flushHeaders();
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function inspected(id: string, container: FakeContainer | undefined, response: ServerResponse): void {
  if (container === undefined) {
    json(response, 404, { message: `No such container: ${id}` });
    return;
  }
  const { pid, running = true, name = 'web', image = IMAGE, reference = 'web:1', labels = {}, env = [] } = container;
  json(response, 200, {
    Id: id,
    Name: `/${name}`,
    Image: image,
    State: { Running: running, Pid: pid },
    Config: { Image: reference, Labels: labels, Env: env },
  });
}

function described(id: string, image: FakeImage | undefined, response: ServerResponse): void {
  if (image === undefined) {
    json(response, 404, { message: `No such image: ${id}` });
    return;
  }
  json(response, 200, {
    Id: id,
    RepoDigests: image.digests ?? [],
    Config: { Labels: image.labels ?? null, Env: image.env ?? null },
  });
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
