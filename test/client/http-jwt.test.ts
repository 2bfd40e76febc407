// SPDX-License-Identifier: Apache-2.0
/** With frameworks as they call us; the frameworks themselves: `test/interop/http-frameworks.interop.ts`. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { authorizeAny, authorizeId } from '../../src/client/authorize.ts';
import type { JwtRules } from '../../src/client/bearer.ts';
import { type HookReply, jwtPeerOf, requireJwtSvid, requireJwtSvidHook } from '../../src/client/http-jwt.ts';
import type { JwtSource } from '../../src/client/jwt-source.ts';
import { Failure } from '../../src/lib/failure.ts';
import { JwtDaemon, WEB } from '../support/jwt-daemon.ts';
import { refusalOf } from '../support/refusal.ts';
import { type Door, doorsThatAskForTokens, served } from './http-doors.ts';

const express: Door = (given) => {
  const admit = requireJwtSvid(given);
  return (request, response) =>
    admit(request, response, (error) => {
      response.statusCode = error === undefined ? 200 : 500;
      response.end(error === undefined ? served(request) : 'failed');
    });
};

/** As Fastify calls a hook, and answers for it. */
const fastify: Door = (given) => {
  const admit = requireJwtSvidHook(given);
  return async (raw, response) => {
    const reply: HookReply = {
      code: (statusCode) => {
        Object.assign(response, { statusCode });
        return reply;
      },
      header: (name, value) => {
        response.setHeader(name, value);
        return reply;
      },
      send: (body) => response.end(body),
    };
    const request = { raw };
    const answered = await admit(request, reply).catch(() => reply.code(500).send('failed'));
    if (answered === undefined) response.end(served(request));
  };
};

describe('JWT-18, WAPI-28, I8, I10: a request over HTTP', () => {
  doorsThatAskForTokens([
    ['requireJwtSvid', express],
    ['requireJwtSvidHook', fastify],
  ]);
});

describe('a mistake', () => {
  let daemon: JwtDaemon;
  let source: JwtSource;
  beforeEach(async () => {
    daemon = await JwtDaemon.start();
    source = await daemon.open();
  });
  afterEach(() => daemon.close());
  const rules = (change: Partial<JwtRules>): JwtRules => ({
    source,
    audience: 'a',
    authorize: authorizeId(WEB),
    ...change,
  });

  it('in the rules is found before the first request', () => {
    for (const make of [requireJwtSvid, requireJwtSvidHook]) {
      expect(refusalOf(() => make(rules({ audience: '' }))).reason).toBe('AUDIENCE_MISSING');
      expect(refusalOf(() => make(rules({ audience: undefined as never }))).reason).toBe('AUDIENCE_MISSING');
      expect(refusalOf(() => make(rules({ authorize: undefined as never }))).reason).toBe('AUTHORIZER_MISSING');
      make(rules({ authorize: authorizeAny() }));
    }
  });

  it('of asking for the peer of a request that nobody checked is an error', () => {
    expect(refusalOf(() => jwtPeerOf({}))).toBeInstanceOf(Failure);
    expect(refusalOf(() => jwtPeerOf({})).reason).toBe('PEER_UNKNOWN');
  });
});
