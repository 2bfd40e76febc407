// SPDX-License-Identifier: Apache-2.0
/** What a server behind `requireJwtSvid` or `requireJwtSvidHook` answers, whatever framework calls them. */
import { createServer, type IncomingHttpHeaders, type RequestListener, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { authorizeId } from '../../src/client/authorize.ts';
import type { JwtRules } from '../../src/client/bearer.ts';
import { jwtPeerOf } from '../../src/client/http-jwt.ts';
import type { JwtSource } from '../../src/client/jwt-source.ts';
import { JwtDaemon, WEB } from '../support/jwt-daemon.ts';
import { portOf } from '../support/tls-parties.ts';

/** A server that checks by these rules and answers with `served`, or with 500 where a check fails. */
export type Door = (rules: JwtRules) => RequestListener | Promise<RequestListener>;

export const served = (request: object): string => `hello ${jwtPeerOf(request).spiffeId}`;

let daemon: JwtDaemon;
let source: JwtSource;
const servers: Server[] = [];
beforeEach(async () => {
  daemon = await JwtDaemon.start();
  source = await daemon.open();
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  daemon.close();
});

const rules = (change: Partial<JwtRules> = {}): JwtRules => ({
  source,
  audience: 'a',
  authorize: authorizeId(WEB),
  now: () => daemon.clock.now(),
  ...change,
});
const token = async (audience = 'a', id = WEB): Promise<string> => (await daemon.mint(id, [audience])).svid;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function serve(door: Door, given = rules()): Promise<number> {
  const server = createServer(await door(given)).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return portOf(server as never);
}

async function ask(door: Door, headers: Record<string, string>, given = rules()): Promise<Answer> {
  const port = await serve(door, given);
  return new Promise((resolve, reject) => {
    const call = request({ port, host: '127.0.0.1', headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    call.on('error', reject).end();
  });
}

const bearer = (value: string): Record<string, string> => ({ authorization: `Bearer ${value}` });

/** Within a `describe` whose title names the rows: JWT-18, WAPI-28, I8, I10. */
export function doorsThatAskForTokens(doors: readonly (readonly [string, Door])[]): void {
  describe.each(doors as [string, Door][])('%s', (_, door) => {
    it('JWT-18: lets in who shows a token for us, and says who it is', async () => {
      for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
        const answer = await ask(door, { authorization: `${scheme} ${await token()}` });
        expect(answer).toMatchObject({ status: 200, body: `hello ${WEB}` });
      }
    });

    it.each([
      ['nothing', {}],
      ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }],
      ['Bearer alone', { authorization: 'Bearer' }],
      ['two words', { authorization: 'Bearer a b' }],
      ['what is no token, elsewhere', { cookie: 'authorization=Bearer x' }],
    ])('answers %s with 401 and a bare challenge', async (_name, headers) => {
      const answer = await ask(door, headers as Record<string, string>);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(JSON.parse(answer.body)).toMatchObject({ reason: 'TOKEN_MISSING' });
    });

    it('WAPI-28: I10: answers a bad token with 401 and the rule, and never repeats it', async () => {
      const bad = await token('somebody-else');
      const answer = await ask(door, bearer(bad));
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe(
        'Bearer error="invalid_token", error_description="the token is refused: it is meant for another audience"',
      );
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(JSON.parse(answer.body)).toMatchObject({ reason: 'JWT_AUDIENCE' });
      const said = JSON.stringify([answer.headers, answer.body]);
      for (const piece of bad.split('.')) expect(said).not.toContain(piece);
      expect(said).not.toContain('somebody-else');
    });

    it('answers a valid token of somebody else with 403', async () => {
      const answer = await ask(door, bearer(await token('a', 'spiffe://td-a/db')));
      expect(answer.status).toBe(403);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="insufficient_scope"/);
      expect(JSON.parse(answer.body)).toMatchObject({ reason: 'PEER_NOT_AUTHORIZED' });
    });

    it('I8: admits nobody by a promise, and nobody when authorize fails', async () => {
      const promised = rules({ authorize: (async () => true) as unknown as JwtRules['authorize'] });
      expect((await ask(door, bearer(await token()), promised)).status).toBe(403);
      const failing = rules({
        authorize: () => {
          throw new Error('no database');
        },
      });
      expect((await ask(door, bearer(await token()), failing)).status).toBe(500);
    });

    it('I8: answers 503 while there is nothing to verify with', async () => {
      const valid = await token();
      source.close();
      const answer = await ask(door, bearer(valid));
      expect(answer.status).toBe(503);
      expect(answer.headers['www-authenticate']).toBeUndefined();
      expect(JSON.parse(answer.body)).toMatchObject({ reason: 'SOURCE_CLOSED' });
    });

    it('JWT-18: answers two authorization headers with 401, whichever of them is good', async () => {
      const good = await token();
      const port = await serve(door);
      for (const [first, second] of [
        [good, 'x'],
        ['x', good],
        [good, good],
      ]) {
        const answer = await rawAnswer(port, `Authorization: Bearer ${first}\r\nauthorization: Bearer ${second}\r\n`);
        expect(answer).toMatch(/^HTTP\/1.1 401 /);
        expect(answer).toMatch(/WWW-Authenticate: Bearer error="invalid_request"/i);
      }
      expect(await rawAnswer(port, `Authorization: Bearer ${good}\r\n`)).toMatch(/^HTTP\/1.1 200 /);
    });
  });
}

function rawAnswer(port: number, headers: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`);
    });
    let text = '';
    socket.setEncoding('utf8').on('data', (more) => {
      text += more;
    });
    socket.on('end', () => resolve(text)).on('error', reject);
  });
}
