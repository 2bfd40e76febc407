// SPDX-License-Identifier: Apache-2.0
/** An API server on a real HTTPS socket that lists and watches namespaces. */
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Access } from '../../attestors/k8s/open.ts';
import { FakeKubelet, KUBELET_CA } from './fake-kubelet.ts';

const HOST = 'api.cluster.local';

/** Whatever stands below `metadata`. */
type Metadata = Readonly<Record<string, unknown>>;

export class FakeApiServer {
  readonly #server: FakeKubelet;
  readonly #namespaces = new Map<string, Metadata>();
  readonly #watches = new Set<ServerResponse>();
  #version = 1;
  /** Instead of a list: a status, or no answer. */
  refusal: number | 'silence' | undefined;

  private constructor(server: FakeKubelet) {
    this.#server = server;
    server.respond = (request, response) => this.#serve(request, response);
  }

  static async start(folder: string): Promise<FakeApiServer> {
    const own = join(folder, 'api');
    mkdirSync(own, { recursive: true });
    const certificate = KUBELET_CA.issue('spiffe://x/api', { uris: [], dns: [HOST] });
    return new FakeApiServer(await FakeKubelet.start({ folder: own, certificate }));
  }

  get access(): Access {
    const { port, caPath, tokenPath } = this.#server;
    const none = { certificatePath: undefined, privateKeyPath: undefined };
    return { secure: true, host: '127.0.0.1', port, serverName: HOST, caPath, tokenPath, ...none };
  }

  /** Paths, in the order in which they were asked for. */
  get asked(): readonly string[] {
    return this.#server.asked;
  }

  get callers(): readonly string[] {
    return this.#server.callers;
  }

  /** Those that are open. */
  get watches(): number {
    return this.#watches.size;
  }

  label(name: string, labels: unknown): void {
    const type = this.#namespaces.has(name) ? 'MODIFIED' : 'ADDED';
    this.#namespaces.set(name, { name, labels });
    this.#tell(type, name);
  }

  remove(name: string): void {
    this.#tell('DELETED', name);
    this.#namespaces.delete(name);
  }

  /** Whatever a watch may be told. */
  say(text: string): void {
    for (const watch of this.#watches) watch.write(`${text}\n`);
  }

  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #tell(type: string, name: string): void {
    this.#version += 1;
    this.say(JSON.stringify({ type, object: this.#object(this.#namespaces.get(name) ?? {}) }));
  }

  #object(metadata: Metadata): object {
    return { metadata: { resourceVersion: String(this.#version), ...metadata } };
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (this.refusal === 'silence') return;
    if (this.refusal !== undefined) {
      response.writeHead(this.refusal).end();
      return;
    }
    response.setHeader('content-type', 'application/json');
    if (request.url?.includes('watch=true') === true) {
      this.#watches.add(response);
      response.once('close', () => this.#watches.delete(response));
      response.flushHeaders();
      return;
    }
    const items = [...this.#namespaces.values()].map((one) => this.#object(one));
    const metadata = { resourceVersion: String(this.#version) };
    response.end(JSON.stringify({ kind: 'NamespaceList', apiVersion: 'v1', metadata, items }));
  }
}
