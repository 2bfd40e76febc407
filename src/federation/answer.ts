// SPDX-License-Identifier: Apache-2.0
/** One GET over a connection that has proven itself, and its answer within bounds (I9). No proxy, no cookies, no credentials. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { HttpsUrl } from '../lib/https-url.ts';
import { noRedirect, unreachable, unusable } from './trouble.ts';

export type Answer =
  | { readonly kind: 'document'; readonly text: string }
  /** Where the endpoint says the document is, as it says it. */
  | { readonly kind: 'redirect'; readonly location: string };

const MOST_BYTES = 1024 * 1024;
const MOST_HEADER_BYTES = 16 * 1024;
/** RFC 9110 section 15.4. The permanent ones are followed and not remembered (FED-12). */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Resolves with the headers. */
export function sendGet(socket: TLSSocket, url: HttpsUrl, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    // An import of node:http evaluates all its getters, and one of them loads Node's own undici: 9 ms and 3 MB of each start.
    const sent = process.getBuiltinModule('node:http').request({
      createConnection: () => socket,
      method: 'GET',
      path: url.path,
      headers: { Host: url.authority, Accept: 'application/json', 'User-Agent': 'assay' },
      maxHeaderSize: MOST_HEADER_BYTES,
    });
    sent
      .once('response', resolve)
      .on('error', (error) => reject(failedRequest(url, error)))
      .end();
  });
}

function failedRequest(url: HttpsUrl, error: Error & { readonly code?: string }): Error {
  return error.code?.startsWith('HPE_')
    ? unusable(url, `it is no HTTP (${error.code})`, error)
    : unreachable(url, error);
}

export async function readAnswer(url: HttpsUrl, response: IncomingMessage): Promise<Answer> {
  const { statusCode = 0, headers } = response;
  if (REDIRECTS.has(statusCode)) {
    const { location } = headers;
    if (location === undefined) throw noRedirect(url, `the status ${statusCode} comes without a location`);
    return { kind: 'redirect', location };
  }
  // guard: FED-26 test/federation/fetch.test.ts
  if (statusCode !== 200) throw unusable(url, `the status is ${statusCode}`);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw unusable(url, 'it is packed, which nobody asked for');
  return { kind: 'document', text: asText(url, await readBody(url, response)) };
}

async function readBody(url: HttpsUrl, response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      size += (chunk as Buffer).length;
      // guard: I9 test/federation/fetch.test.ts
      if (size > MOST_BYTES) throw unusable(url, `it is larger than ${MOST_BYTES} bytes`);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ECONNRESET') throw unusable(url, 'it breaks off', error);
    throw error;
  }
  return Buffer.concat(chunks);
}

function asText(url: HttpsUrl, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unusable(url, 'it is no text in UTF-8', cause);
  }
}
