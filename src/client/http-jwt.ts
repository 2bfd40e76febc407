// SPDX-License-Identifier: Apache-2.0
/** Lets in requests that carry a JWT-SVID for us: for Express and whatever takes its middleware, and for Fastify. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Failure } from '../lib/failure.ts';
import { type JwtRules, judgeBearer, type Refused, requireRules } from './bearer.ts';
import type { JwtPeer } from './jwt-trust.ts';

/** `app.use(requireJwtSvid({ source, audience, authorize }))`. */
export type JwtMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** The parts of Fastify's request and reply that are used. */
export interface HookRequest {
  readonly raw: IncomingMessage;
}
export interface HookReply {
  code(status: number): HookReply;
  header(name: string, value: string): HookReply;
  send(body: string): unknown;
}

/** `fastify.addHook('onRequest', requireJwtSvidHook({ source, audience, authorize }))`. */
export type JwtHook = (request: HookRequest, reply: HookReply) => Promise<unknown>;

const STATUS = { unauthenticated: 401, forbidden: 403, unavailable: 503 } as const;
const peers = new WeakMap<object, JwtPeer>();

export function requireJwtSvid(options: JwtRules): JwtMiddleware {
  const rules = requireRules(options);
  return (request, response, next) => {
    let answer: Answer | undefined;
    try {
      answer = admit(request, request, rules);
    } catch (error) {
      return next(error);
    }
    if (answer === undefined) return next();
    response.writeHead(answer.status, answer.headers).end(answer.body);
    return undefined;
  };
}

export function requireJwtSvidHook(options: JwtRules): JwtHook {
  const rules = requireRules(options);
  return async (request, reply) => {
    const answer = admit(request, request.raw, rules);
    if (answer === undefined) return undefined;
    for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value);
    reply.code(answer.status).send(answer.body);
    // Fastify: what is answered here goes no further.
    return reply;
  };
}

/** Who was proven to send this request; throws for one that did not pass. */
export function jwtPeerOf(request: object): JwtPeer {
  const peer = peers.get(request);
  if (peer !== undefined) return peer;
  throw new Failure('failed-precondition', 'PEER_UNKNOWN', 'no token of this request was verified', {
    hint: 'put requireJwtSvid(...) before what asks',
  });
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function admit(holder: object, raw: IncomingMessage, rules: JwtRules): Answer | undefined {
  const verdict = judgeBearer(authorizationOf(raw), rules);
  // guard: WAPI-28 test/client/http-jwt.test.ts
  if ('refused' in verdict) return answerTo(verdict.refused);
  peers.set(holder, verdict.peer);
  return undefined;
}

/** As they came: Node keeps the first of several in `headers`, and says nothing of the others. */
function authorizationOf({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'authorization');
}

function answerTo({ kind, reason, message }: Refused): Answer {
  return {
    status: STATUS[kind],
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(kind === 'unavailable' ? {} : { 'www-authenticate': challenge(kind, reason, message) }),
    },
    body: JSON.stringify({ reason, message }),
  };
}

/** RFC 6750 section 3: no error for whoever sent no token; the description in the characters that are allowed there. */
function challenge(kind: Refused['kind'], reason: string, message: string): string {
  if (reason === 'TOKEN_MISSING') return 'Bearer';
  const error =
    kind === 'forbidden' ? 'insufficient_scope' : reason === 'TOKEN_AMBIGUOUS' ? 'invalid_request' : 'invalid_token';
  return `Bearer error="${error}", error_description="${message.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'")}"`;
}
