// SPDX-License-Identifier: Apache-2.0
import { request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type FormRoute, MutualListener, type MutualOptions } from '../../src/https/mutual-listener.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Failure } from '../../src/lib/failure.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { fixedCertificate } from './bench.ts';

const FORM = 'application/x-www-form-urlencoded';
const open: MutualListener[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function listen(over: Partial<MutualOptions> = {}) {
  const log = new RecordingLogger();
  const state = { admitted: true, good: true, verified: 0 };
  const echo: FormRoute = (form, peer) => ({ status: 200, body: { said: form.get('said'), peer: peer.spiffeId } });
  const broken: FormRoute = () => {
    throw new Error('no answer');
  };
  const listener = await MutualListener.start({
    host: '127.0.0.1',
    port: 0,
    field: 'introspection.listen',
    certificate: fixedCertificate(),
    verify: () => {
      state.verified += 1;
      if (!state.admitted) throw new Failure('permission-denied', 'PEER_REVOKED', 'no');
      return { spiffeId: 'spiffe://td/a', stillGood: () => state.good };
    },
    routes: new Map([
      ['/echo', echo],
      ['/broken', broken],
      ['/empty', () => ({ status: 200 })],
    ]),
    connections: 10,
    connectionsPerAddress: 5,
    headerBytes: 4_096,
    clock: systemClock,
    log,
    ...over,
  });
  open.push(listener);
  return { listener, port: listener.port, log, state };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

function post(
  port: number,
  path: string,
  body: string,
  more: { method?: string; type?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: more.method ?? 'POST',
        rejectUnauthorized: false,
        agent: false,
        headers: { 'Content-Type': more.type ?? FORM },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

describe('a listener for peers', () => {
  it('answers the form of whoever was verified, once a connection', async () => {
    const { port, state } = await listen();
    const { status, body, headers } = await post(port, '/echo', 'said=h%C3%A9&x=1');
    expect([status, JSON.parse(body)]).toEqual([200, { said: 'hé', peer: 'spiffe://td/a' }]);
    expect([headers['cache-control'], state.verified]).toEqual(['no-store', 1]);
    const empty = await post(port, '/empty', '');
    expect([empty.status, empty.body]).toEqual([200, '']);
  });

  it('X509-17: reads nothing of whoever was not, though it was sent along with the handshake', async () => {
    const { port, state, log } = await listen();
    state.admitted = false;
    const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    let heard = 0;
    socket.on('data', (chunk) => {
      heard += chunk.length;
    });
    socket.on('error', () => undefined);
    socket.write(`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\nContent-Length: 6\r\n\r\nsaid=a`);
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    expect([heard, state.verified]).toEqual([0, 1]);
    expect(log.lines.map(({ message }) => message)).toContain('a peer was refused');
  });

  it('I7: does not answer on an open connection whose peer is good no more', async () => {
    const { port, state } = await listen();
    state.good = false;
    await expect(post(port, '/echo', 'said=a')).rejects.toThrow();
  });

  it.each([
    ['another path', '/other', 'said=a', {}, 404],
    ['another method', '/echo', '', { method: 'GET' }, 405],
    ['another kind of body', '/echo', '{}', { type: 'application/json' }, 415],
    ['I9: a form that is too large', '/echo', `said=${'x'.repeat(16_384)}`, {}, 413],
    ['what throws', '/broken', 'said=a', {}, 503],
  ])('says in the words of OAuth what is wrong: %s', async (_, path, body, more, status) => {
    const { port } = await listen();
    const answer = await post(port, path, body, more);
    expect(answer.status).toBe(status);
    expect(Object.keys(JSON.parse(answer.body))).toEqual(['error', 'error_description']);
  });

  it('I9: has room for so many connections, and ends each after a time', async () => {
    const clock = new FakeClock();
    const { port } = await listen({ clock, connectionsPerAddress: 1 });
    const first = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    first.on('error', () => undefined);
    await new Promise<void>((resolve) => first.once('secureConnect', () => resolve()));
    await expect(post(port, '/echo', 'said=a')).rejects.toThrow();
    const closed = new Promise<void>((resolve) => first.once('close', () => resolve()));
    first.resume();
    await clock.advance(600_000);
    await closed;
  });

  it('says which setting names an address that cannot be used', async () => {
    const { port } = await listen();
    await expect(listen({ port })).rejects.toMatchObject({
      reason: 'HTTPS_UNUSABLE',
      message: expect.stringContaining('introspection.listen: cannot listen at'),
    });
  });
});
