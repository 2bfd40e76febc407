// SPDX-License-Identifier: Apache-2.0
/** Numbers over real HTTP, to whoever asks as they should, and bounded. */
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/lib/clock.ts';
import { MetricsListener } from '../../src/metrics/listener.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const log = new RecordingLogger();
const state = { text: async (): Promise<string> => 'a 1\n' };
const listeners: MetricsListener[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const listener of listeners.splice(0)) await listener.close();
  state.text = async () => 'a 1\n';
});

async function started(port = 0): Promise<number> {
  const listener = await MetricsListener.start({
    host: '127.0.0.1',
    port,
    text: () => state.text(),
    clock: systemClock,
    log,
  });
  listeners.push(listener);
  return listener.port;
}

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly type: string | undefined;
}

function ask(port: number, path = '/metrics', method = 'GET', host?: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { Host: host };
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, type: response.headers['content-type'] }),
      );
    });
    asked.on('error', reject).end();
  });
}

describe('the metrics listener', () => {
  it('tells the numbers', async () => {
    const port = await started();
    const type = 'text/plain; version=0.0.4; charset=utf-8';
    expect(await ask(port)).toEqual({ status: 200, body: 'a 1\n', type });
    expect(await ask(port, '/metrics', 'HEAD')).toEqual({ status: 200, body: '', type });
  });

  it.each([
    ['/', 'GET', 404],
    ['/metrics/', 'GET', 404],
    ['/metrics?x', 'GET', 404],
    ['/metrics', 'POST', 405],
  ])('answers %s by %s with %s', async (path, method, status) => {
    expect((await ask(await started(), path, method)).status).toBe(status);
  });

  it.each([
    ['evil.example', 421],
    ['evil.example:9464', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost:9464', 200],
    ['127.0.0.1', 200],
    ['[::1]:9464', 200],
    ['192.0.2.1:9464', 200],
  ])('I10: asked for as %j answers %s: a page in a browser gets nothing by a name of its own', async (host, status) => {
    const answered = await ask(await started(), '/metrics', 'GET', host);
    expect([answered.status, answered.body.includes('a 1')]).toEqual([status, status === 200]);
  });

  it('says that it cannot tell them, and not why', async () => {
    const port = await started();
    state.text = () => Promise.reject(new Error('a secret reason'));
    const answered = await ask(port);
    expect(answered.status).toBe(503);
    expect(answered.body).not.toContain('secret');
  });

  it('I9: takes 16 connections at once', async () => {
    const port = await started();
    const closed: boolean[] = [];
    for (let n = 0; n < 40; n += 1) {
      const socket = connect({ host: '127.0.0.1', port });
      sockets.push(socket);
      socket.on('error', () => undefined).on('close', () => closed.push(true));
      socket.resume();
      await new Promise<void>((resolve) => socket.once('connect', resolve));
    }
    for (let tries = 0; tries < 200 && closed.length < 24; tries += 1) await new Promise((r) => setTimeout(r, 10));
    expect(closed).toHaveLength(24);
    expect(log.lines.some(({ message }) => message === 'a reader of metrics was refused')).toBe(true);
  });

  it('says what keeps it from listening', async () => {
    const port = await started();
    await expect(started(port)).rejects.toMatchObject({ reason: 'METRICS_UNUSABLE', field: 'metrics.listen' });
  });
});
