// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { withCrlRoutes } from '../../src/https/crl-routes.ts';
import { fromPem } from '../../src/x509/pem.ts';
import { ask, DOCUMENT, listen, routes } from './bench.ts';

const lists = new Map([
  ['aa', Buffer.from('first')],
  ['bb', Buffer.from('second')],
]);
let bench: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  const crls = { current: () => [...lists.values()], of: (id: string) => lists.get(id) };
  bench = await listen({ routes: withCrlRoutes(crls, routes) });
});
afterAll(() => bench.listener.close());

it('/crl has all of them as PEM, whatever their number at that moment', async () => {
  const { status, headers, body } = await ask(bench.port, { path: '/crl' });
  expect([status, headers['content-type']]).toEqual([200, 'application/x-pem-file']);
  expect(fromPem(body, 'X509 CRL')).toEqual([...lists.values()]);
  expect(headers['cache-control']).toContain('max-age=5');
});

it('/crl/ID has one as DER', async () => {
  const { status, headers, body } = await ask(bench.port, { path: '/crl/bb' });
  expect([status, headers['content-type'], body]).toEqual([200, 'application/pkix-crl', 'second']);
});

it.each(['/crl/', '/crl/cc', '/crl/AA', '/crl/aa/', '/crl/../aa'])('%s is not there', async (path) => {
  expect((await ask(bench.port, { path })).status).toBe(404);
});

it('what else is served stays', async () => {
  expect((await ask(bench.port)).body).toBe(DOCUMENT);
});
