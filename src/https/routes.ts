// SPDX-License-Identifier: Apache-2.0
/**
 * What the HTTPS listener answers: a table of paths, GET and HEAD only, no bodies taken. An error's body says what is wrong in
 * JSON that no reader can take for a bundle or a key set: some parse the body whatever the status (CLI-23).
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Document {
  readonly contentType: string;
  readonly body: string | Buffer;
  readonly cacheControl: string;
}

/** Answers with what is newest at that moment. A throw is answered with 503 and logged. */
export type Route = () => Document;

/** By path, exactly as it stands in a request, without a query. */
export interface Routes {
  get(path: string): Route | undefined;
}

export const NO_BODY = 'a request here has no body';

export function answer(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
  onTrouble: (error: unknown) => void,
): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  const refused = refusalOf(routes, request);
  if (refused !== undefined) {
    refuse(response, ...refused);
    return;
  }
  const document = make(routes.get(pathOf(request)) as Route, onTrouble);
  if (document === undefined) refuse(response, 503, 'this document cannot be given now');
  else send(document, request, response);
}

function refusalOf(routes: Routes, request: IncomingMessage): readonly [status: number, why: string] | undefined {
  // guard: I9 test/https/listener.test.ts — nobody here has a use for a body
  if (hasBody(request)) return [413, NO_BODY];
  // guard: FED-26 test/https/listener.test.ts
  if (routes.get(pathOf(request)) === undefined) return [404, 'nothing is served at this path'];
  // guard: FED-26 test/https/listener.test.ts
  if (request.method !== 'GET' && request.method !== 'HEAD') return [405, 'only GET and HEAD are served here'];
  return undefined;
}

function make(route: Route, onTrouble: (error: unknown) => void): Document | undefined {
  try {
    return route();
  } catch (error) {
    onTrouble(error);
    return undefined;
  }
}

function send({ contentType, cacheControl, body }: Document, request: IncomingMessage, response: ServerResponse): void {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`;
  response.setHeader('ETag', etag);
  response.setHeader('Cache-Control', cacheControl);
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': bytes.length });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

/** Ends the connection too: what a refused request would send next is not waited for. */
export function refuse(response: ServerResponse, status: number, why: string): void {
  const body = errorBody(why);
  if (status === 405) response.setHeader('Allow', 'GET, HEAD');
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

export function errorBody(why: string): string {
  return `${JSON.stringify({ error: why })}\n`;
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
