// SPDX-License-Identifier: Apache-2.0
/** Bundle endpoints of tests: real TLS servers that answer whatever they are told, and count what they are asked. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { afterAll } from '@jest/globals';
import { renderSpiffeBundle } from '../../src/bundle/document.ts';
import type { EndpointTrust } from '../../src/federation/endpoint-connection.ts';
import { fetchDocument } from '../../src/federation/fetch.ts';
import { boundedLookups } from '../../src/federation/lookups.ts';
import { parseRelationship, type Relationship } from '../../src/federation/relationship.ts';
import { webRoots } from '../../src/federation/web-roots.ts';
import type { TrustDomain } from '../../src/identity/trust-domain.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { type Issued, pem, TestCa } from '../support/test-ca.ts';
import { keyPem, listening, portOf } from '../support/tls-parties.ts';

export const PARTNER = 'partner.example';
export const SERVER_ID = `spiffe://${PARTNER}/spire/server`;
export const partnerCa = TestCa.create(PARTNER);
export const webCa = TestCa.create('web-ca');

export const webLeaf = (names: readonly string[] = ['localhost']): Issued => webCa.issue('', { uris: [], dns: names });
export const spiffeLeaf = (id = SERVER_ID): Issued => partnerCa.issue(id);

export function documentOf(cas: readonly TestCa[], sequence?: number | bigint, hint?: number): string {
  return renderSpiffeBundle({
    certificates: cas.map((ca) => ca.der),
    jwtKeys: [],
    ...(sequence === undefined ? {} : { sequence }),
    ...(hint === undefined ? {} : { refreshHintSeconds: hint }),
  });
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const open: EndpointServer[] = [];
afterAll(() => {
  for (const server of open) server.close();
});

export class EndpointServer {
  /** Paths, in the order they were asked for. */
  readonly asked: string[] = [];
  handler: Handler;
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, handler: Handler) {
    this.#server = server;
    this.handler = handler;
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.asked.push(request.url ?? '');
      response.on('error', () => undefined);
      this.handler(request, response);
    });
    server.on('tlsClientError', () => undefined);
    open.push(this);
  }

  static async start(leaf: Issued, handler: Handler | string = documentOf([partnerCa], 1), more: TlsOptions = {}) {
    const tls = { cert: leaf.chain.map(pem).join(''), key: keyPem(leaf.pkcs8), ...more };
    const server = await listening(createServer(tls));
    return new EndpointServer(server, typeof handler === 'string' ? answering(handler) : handler);
  }

  get port(): number {
    return portOf(this.#server);
  }

  /** By its name; an endpoint that shows an SVID may as well be asked by its address. */
  url(path = '/', host = 'localhost'): string {
    return `https://${host}:${this.port}${path}`;
  }

  /** Those open now. */
  get sockets(): number {
    return this.#sockets.size;
  }

  show(leaf: Issued): void {
    this.#server.setSecureContext({ cert: leaf.chain.map(pem).join(''), key: keyPem(leaf.pkcs8) });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

export const answering =
  (body: string | Buffer, status = 200, headers: Record<string, string> = {}): Handler =>
  (_, response) => {
    response.writeHead(status, headers).end(body);
  };

export const redirecting =
  (to: string | ((path: string) => string), status = 302): Handler =>
  (request, response) => {
    response.writeHead(status, { Location: typeof to === 'string' ? to : to(request.url ?? '') }).end();
  };

export function web(url: string): Relationship {
  return parseRelationship({ trustDomain: PARTNER, url, profile: 'https_web', endpointSpiffeId: undefined });
}

export function spiffe(url: string, endpointSpiffeId = SERVER_ID): Relationship {
  return parseRelationship({ trustDomain: PARTNER, url, profile: 'https_spiffe', endpointSpiffeId });
}

export function trustIn(
  anchors: ReadonlyMap<string, readonly Buffer[]> = new Map([[PARTNER, [partnerCa.der]]]),
): EndpointTrust {
  return {
    webContext: webRoots(async () => pem(webCa.der)),
    anchorsOf: ({ name }: TrustDomain) => anchors.get(name),
    now: () => Date.now(),
    lookup: boundedLookups(),
  };
}

export function fetched(
  from: Relationship,
  over: { readonly trust?: EndpointTrust; readonly clock?: Clock; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const tools = { trust: over.trust ?? trustIn(), clock: over.clock ?? systemClock };
  return fetchDocument(from, tools, over.signal ?? new AbortController().signal);
}
