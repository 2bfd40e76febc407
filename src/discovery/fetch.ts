// SPDX-License-Identifier: Apache-2.0
/**
 * One document as a verifier gets it that knows nothing of us: a fresh connection, the host's certificate judged by the
 * authorities of the web, no redirects, within bounds (I9).
 */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { HttpsUrl } from '../lib/https-url.ts';

export interface Fetched {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly cacheControl: string | undefined;
  /** UTF-8; undefined when it is none, or larger than `MOST_BYTES`. */
  readonly text: string | undefined;
  readonly bytes: number;
  readonly tookMs: number;
  /** Of the end that answered. */
  readonly address: string;
  /** Of its certificate: milliseconds UTC. */
  readonly certificateNotAfter: number;
}

export interface FetchTools {
  /** The authorities that count. */
  readonly context: SecureContext;
  /** Of one document, all of it. */
  readonly withinMs: number;
  readonly monotonic: () => number;
}

/** Far above any document here, and what verifiers take without complaint. */
export const MOST_BYTES = 256 << 10;
const MOST_HEADER_BYTES = 16 << 10;

/** Rejects with what Node says of the connection or the handshake. */
export async function fetchPublic(url: HttpsUrl, { context, withinMs, monotonic }: FetchTools): Promise<Fetched> {
  const began = monotonic();
  const signal = AbortSignal.timeout(withinMs);
  const { response, socket } = await send(url, context, signal);
  // What Node forgets once the connection has ended.
  const certificateNotAfter = Date.parse(socket.getPeerCertificate().valid_to);
  const address = socket.remoteAddress ?? '';
  const body = await readBody(response);
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers['content-type'],
    cacheControl: response.headers['cache-control'],
    text: body.length > MOST_BYTES ? undefined : asText(body),
    bytes: body.length,
    tookMs: monotonic() - began,
    address,
    certificateNotAfter,
  };
}

function send(
  { host, port, path, serverName }: HttpsUrl,
  secureContext: SecureContext,
  signal: AbortSignal,
): Promise<{ readonly response: IncomingMessage; readonly socket: TLSSocket }> {
  return new Promise((resolve, reject) => {
    const asked = request({
      ...{ host, port, path, secureContext, signal },
      ...(serverName === undefined ? {} : { servername: serverName }),
      agent: false,
      rejectUnauthorized: true,
      maxHeaderSize: MOST_HEADER_BYTES,
      headers: { Accept: 'application/json', 'User-Agent': 'assay-doctor' },
    });
    asked
      .once('response', (response) => resolve({ response, socket: response.socket as TLSSocket }))
      .on('error', (error) => reject(error))
      .end();
  });
}

/** Ends as soon as it is too large. */
async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    // guard: I9 test/discovery/discovery.test.ts
    if (size > MOST_BYTES) break;
  }
  return Buffer.concat(chunks);
}

function asText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
