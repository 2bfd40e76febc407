// SPDX-License-Identifier: Apache-2.0
/**
 * Fetches the document of one relationship. A redirect is followed a few times, to addresses of the same kind whose endpoint
 * proves itself by the same profile and, for `https_spiffe`, as the same SPIFFE ID; none is remembered (FED-09 to FED-12).
 */
import type { Clock } from '../lib/clock.ts';
import type { HttpsUrl } from '../lib/https-url.ts';
import { type Answer, readAnswer, sendGet } from './answer.ts';
import { within } from './deadline.ts';
import { connectEndpoint, type EndpointTrust } from './endpoint-connection.ts';
import type { Endpoint, Relationship } from './relationship.ts';
import { late, noRedirect } from './trouble.ts';

export interface FetchTools {
  readonly trust: EndpointTrust;
  readonly clock: Clock;
}

const MOST_REDIRECTS = 3;
/** For one address: connection, handshake and headers. */
const HEADERS_MS = 10_000;
/** For all of it. */
const WHOLE_MS = 20_000;

/** The text of the document, in UTF-8; rejects with a Failure, or with the signal's reason. */
export function fetchDocument(from: Relationship, tools: FetchTools, signal: AbortSignal): Promise<string> {
  const rules = {
    clock: tools.clock,
    ms: WHOLE_MS,
    late: () => late(from.url, 'the answer', WHOLE_MS),
    outer: signal,
  };
  return within(rules, (inner) => follow(from, tools, inner));
}

async function follow({ url: start, endpoint }: Relationship, tools: FetchTools, signal: AbortSignal): Promise<string> {
  let url = start;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await ask(url, endpoint, tools, signal);
    if (answer.kind === 'document') return answer.text;
    // guard: FED-10 test/federation/redirect.test.ts
    if (redirects === MOST_REDIRECTS) throw noRedirect(start, `there are more than ${MOST_REDIRECTS} on the way`);
    url = target(url, answer.location);
  }
}

function target(url: HttpsUrl, location: string): HttpsUrl {
  try {
    return url.resolve(location);
  } catch (cause) {
    throw noRedirect(url, (cause as Error).message, cause);
  }
}

async function ask(url: HttpsUrl, endpoint: Endpoint, tools: FetchTools, signal: AbortSignal): Promise<Answer> {
  const rules = {
    clock: tools.clock,
    ms: HEADERS_MS,
    late: () => late(url, 'the first answer', HEADERS_MS),
    outer: signal,
  };
  const { socket, response } = await within(rules, async (inner) => {
    const connected = await connectEndpoint(url, endpoint, tools.trust, inner);
    return { socket: connected, response: await sendGet(connected, url, inner) };
  });
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await readAnswer(url, response);
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}
