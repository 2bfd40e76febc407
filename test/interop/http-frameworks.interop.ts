// SPDX-License-Identifier: Apache-2.0
/** `requireJwtSvid` in Express and `requireJwtSvidHook` in Fastify, as their packages are. */
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { type JwtHook, type JwtMiddleware, requireJwtSvid, requireJwtSvidHook } from '../../src/client/http-jwt.ts';
import { type Door, doorsThatAskForTokens, served } from '../client/http-doors.ts';
import { top } from '../support/daemon.ts';
import { npmEnvironment } from './npm-environment.ts';

const require = npmEnvironment(join(top, 'examples/node'));

/** Of each framework, what is used here. */
interface Express extends RequestListener {
  use(middleware: JwtMiddleware): void;
  get(path: string, handler: (request: object, response: { send(body: string): void }) => void): void;
}
interface Fastify {
  addHook(name: 'onRequest', hook: JwtHook): void;
  get(path: string, handler: (request: object) => Promise<string>): void;
  ready(): Promise<void>;
  readonly routing: RequestListener;
}

const express: Door = (rules) => {
  const app = (require('express') as () => Express)();
  app.use(requireJwtSvid(rules));
  app.get('/', (request, response) => response.send(served(request)));
  return app;
};

const fastify: Door = async (rules) => {
  const app = (require('fastify') as () => Fastify)();
  app.addHook('onRequest', requireJwtSvidHook(rules));
  app.get('/', async (request) => served(request));
  await app.ready();
  return app.routing;
};

describe('JWT-18, WAPI-28, I8, I10: a request to a real framework', () => {
  doorsThatAskForTokens([
    ['requireJwtSvid in Express', express],
    ['requireJwtSvidHook in Fastify', fastify],
  ]);
});
