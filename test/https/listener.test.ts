// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseSpiffeBundle } from '../../src/bundle/document.ts';
import { bundleRoute } from '../../src/https/bundle-route.ts';
import { refusalOf } from '../support/refusal.ts';
import { ask, DOCUMENT, listen, raw, routes } from './bench.ts';

let bench: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  bench = await listen();
});
afterAll(() => bench.listener.close());

describe('what is served', () => {
  it('FED-03, FED-04: GET answers the document as application/json', async () => {
    const { status, headers, body } = await ask(bench.port);
    expect([status, headers['content-type'], body]).toEqual([200, 'application/json', DOCUMENT]);
  });

  it('FED-03: what is newest at that moment, without waiting longer than a part of the refresh hint', async () => {
    let sequence = 1;
    const { listener, port } = await listen({
      routes: new Map([
        [
          '/bundle',
          bundleRoute(() => ({ text: `{"keys":[],"spiffe_sequence":${sequence}}`, refreshHintSeconds: 300 })),
        ],
      ]),
    });
    const first = await ask(port, { path: '/bundle' });
    sequence = 2;
    const second = await ask(port, { path: '/bundle' });
    expect([first.body, second.body]).toEqual(['{"keys":[],"spiffe_sequence":1}', '{"keys":[],"spiffe_sequence":2}']);
    expect(second.headers['cache-control']).toBe('public, max-age=75, must-revalidate');
    expect(second.headers.etag).not.toBe(first.headers.etag);
    await listener.close();
  });

  it('a query is no part of the path, and HEAD has the headers alone', async () => {
    expect((await ask(bench.port, { path: '/?x=1' })).body).toBe(DOCUMENT);
    const head = await ask(bench.port, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body]).toEqual([200, String(DOCUMENT.length), '']);
  });

  it('304 to whoever has it already', async () => {
    const { headers } = await ask(bench.port);
    const again = await ask(bench.port, { headers: { 'If-None-Match': String(headers['etag']) } });
    expect([again.status, again.body]).toEqual([304, '']);
  });
});

describe('FED-26: what is not', () => {
  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])(
    '%s is 405 and says what is allowed',
    async (method) => {
      const { status, headers } = await ask(bench.port, { method });
      expect([status, headers['allow']]).toEqual([405, 'GET, HEAD']);
    },
  );

  it.each(['/other', '//', '/./', '/%2f', '/bundle.json', '*'])('the path %s is 404', async (path) => {
    expect((await ask(bench.port, { path })).status).toBe(404);
  });

  it.each([
    ['with a length', { 'Content-Length': '5' }, 'hello'],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }, 'hello'],
    ['that waits to be asked for', { 'Content-Length': '5', Expect: '100-continue' }, undefined],
  ] as const)('I9: a body %s is refused and not read', async (_, headers, body) => {
    const answered = await ask(bench.port, { headers, ...(body === undefined ? {} : { body }) });
    expect([answered.status, answered.headers['connection']]).toEqual([413, 'close']);
  });

  it('I9: headers above the ceiling are 431, and what is no HTTP is 400', async () => {
    expect(await raw(bench.port, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(5_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    );
    expect(await raw(bench.port, 'hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
  });
});

it.each([
  ['404', () => ask(bench.port, { path: '/x' })],
  ['405', () => ask(bench.port, { method: 'POST' })],
  ['413', () => ask(bench.port, { body: '{"keys":[]}', headers: { 'Content-Length': '11' } })],
  ['503', () => ask(bench.port, { path: '/broken' })],
] as const)('CLI-23: the body of a %s is JSON and no bundle', async (status, asked) => {
  const answered = await asked();
  expect(String(answered.status)).toBe(status);
  expect(Object.keys(JSON.parse(answered.body))).toEqual(['error']);
  expect(refusalOf(() => parseSpiffeBundle(answered.body)).reason).toBe('BUNDLE_INVALID');
});

it('a document that cannot be made is logged, and the reason goes to nobody', async () => {
  const { body } = await ask(bench.port, { path: '/broken' });
  expect(body).not.toContain('no document');
  expect(bench.log.lines.some(({ message }) => message === 'a document could not be made')).toBe(true);
});

it('an address that is taken is refused, naming it', async () => {
  await expect(listen({ port: bench.port, routes })).rejects.toThrow(/https.listen: .*somebody else listens there/);
});
