// SPDX-License-Identifier: Apache-2.0
/**
 * Who shows a token, and may they come in: the one decision behind the HTTP and gRPC helpers. A token is a bearer token
 * (JWT-18, RFC 6750), so use them on confidential links only.
 */
import { Failure } from '../lib/failure.ts';
import { type Authorizer, requireAuthorizer } from './authorize.ts';
import type { SourceLog } from './followed.ts';
import { type JwtPeer, type JwtTrust, validateJwtSvid } from './jwt-trust.ts';

export interface JwtRules {
  /** Your own name; tokens for others are refused. */
  readonly audience: string;
  /** A BundleSource or a JwtSource. */
  readonly source: JwtTrust;
  /** Which of those with a valid token may come in. */
  readonly authorize: Authorizer<JwtPeer>;
  /** Milliseconds UTC; the clock unless told. */
  readonly now?: () => number;
  /** Hears of an `authorize` that throws in gRPC; HTTP frameworks get the error itself. */
  readonly log?: SourceLog;
}

export interface Refused {
  /** `unauthenticated`: no valid token. `forbidden`: a valid one of somebody else. `unavailable`: nothing to verify it with. */
  readonly kind: 'unauthenticated' | 'forbidden' | 'unavailable';
  /** A word from docs/errors.md. */
  readonly reason: string;
  /** Holds nothing of the token. */
  readonly message: string;
}

export type Verdict = { readonly peer: JwtPeer } | { readonly refused: Refused };

/** RFC 6750 section 2.1; the scheme in any case (RFC 9110 section 11.1). */
const BEARER = /^bearer ([A-Za-z0-9._~+/=-]+)$/i;

/** Throws where a mistake would let everybody in or nobody. */
export function requireRules(rules: JwtRules): JwtRules {
  requireAuthorizer(rules.authorize);
  // guard: JWT-08 test/client/http-jwt.test.ts
  if (typeof rules.audience !== 'string' || rules.audience === '')
    throw new Failure(
      'invalid-argument',
      'AUDIENCE_MISSING',
      'audience is missing: the name that tokens for you carry',
      {
        field: 'audience',
      },
    );
  return rules;
}

/** `values` are all `authorization` headers, as they came. */
export function judgeBearer(values: readonly string[], rules: JwtRules): Verdict {
  const [value, second] = values;
  if (value === undefined) return refused('unauthenticated', 'TOKEN_MISSING', 'no bearer token was presented');
  // guard: JWT-18 test/client/http-jwt.test.ts — somebody before us may have looked at the other one
  if (second !== undefined) return refused('unauthenticated', 'TOKEN_AMBIGUOUS', 'authorization was sent twice');
  const token = BEARER.exec(value)?.[1];
  if (token === undefined) return refused('unauthenticated', 'TOKEN_MISSING', 'authorization holds no bearer token');
  return judgeToken(token, rules);
}

function judgeToken(token: string, { audience, source, authorize, now = Date.now }: JwtRules): Verdict {
  let peer: JwtPeer;
  try {
    peer = validateJwtSvid(token, { audience, source, now: now() });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const kind = error.kind === 'invalid-argument' ? 'unauthenticated' : 'unavailable';
    return refused(kind, error.reason, error.message);
  }
  // Exactly true: a promise, or a function that forgot to answer, admits nobody.
  // guard: I8 test/client/http-jwt.test.ts
  if (authorize(peer) !== true)
    return refused('forbidden', 'PEER_NOT_AUTHORIZED', `${peer.spiffeId} is not admitted here`);
  return { peer };
}

function refused(kind: Refused['kind'], reason: string, message: string): Verdict {
  return { refused: { kind, reason, message } };
}
