// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { refusalOfAsync } from '../support/refusal.ts';
import { listening, portOf } from '../support/tls-parties.ts';
import {
  answering,
  documentOf,
  EndpointServer,
  fetched,
  PARTNER,
  partnerCa,
  redirecting,
  spiffe,
  spiffeLeaf,
  web,
  webLeaf,
} from './endpoints.ts';

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('FED-09: %d is followed, to another host or path', async (status) => {
    const there = await EndpointServer.start(webLeaf());
    const here = await EndpointServer.start(webLeaf(), redirecting(there.url('/b'), status));
    expect(await fetched(web(here.url('/a')))).toBe(documentOf([partnerCa], 1));
    expect([here.asked, there.asked]).toEqual([['/a'], ['/b']]);
  });

  it.each([301, 308])('FED-12: %d is not remembered: the next fetch starts where it was configured', async (status) => {
    const there = await EndpointServer.start(spiffeLeaf(), answering(documentOf([partnerCa], 9)));
    const here = await EndpointServer.start(spiffeLeaf(), redirecting(there.url('/', '127.0.0.1'), status));
    expect(await fetched(spiffe(here.url()))).toBe(documentOf([partnerCa], 9));
    here.handler = answering(documentOf([partnerCa], 10));
    expect(await fetched(spiffe(here.url()))).toBe(documentOf([partnerCa], 10));
    expect(there.asked.length).toBe(1);
  });

  it('FED-10: is followed three times and no more', async () => {
    const server = await EndpointServer.start(webLeaf());
    const towards = (path: string): string => `/${Number(path.slice(1)) - 1}`;
    server.handler = (request, response) =>
      (request.url === '/0' ? answering(documentOf([partnerCa], 1)) : redirecting(towards))(request, response);
    expect(await fetched(web(server.url('/3')))).toBe(documentOf([partnerCa], 1));
    server.asked.length = 0;
    const refused = await refusalOfAsync(() => fetched(web(server.url('/4'))));
    expect([refused.reason, refused.message]).toEqual([
      'FEDERATION_REDIRECT_REFUSED',
      expect.stringContaining('more than 3'),
    ]);
    expect(server.asked).toEqual(['/4', '/3', '/2', '/1']);
  });

  it('FED-10: a loop ends', async () => {
    const server = await EndpointServer.start(webLeaf(), redirecting('/'));
    expect((await refusalOfAsync(() => fetched(web(server.url())))).reason).toBe('FEDERATION_REDIRECT_REFUSED');
    expect(server.asked.length).toBe(4);
  });

  it('FED-10: to http is refused, and nobody is asked there', async () => {
    let asked = 0;
    const plain = await listening(
      createServer((_, response) => {
        asked += 1;
        response.end(documentOf([partnerCa], 1));
      }),
    );
    const server = await EndpointServer.start(webLeaf(), redirecting(`http://localhost:${portOf(plain)}/`));
    const refused = await refusalOfAsync(() => fetched(web(server.url())));
    expect([refused.reason, asked]).toEqual(['FEDERATION_REDIRECT_REFUSED', 0]);
    plain.close();
  });

  it.each([
    ['with a user', 'https://u:p@localhost/'],
    ['to a file', 'file:///etc/passwd'],
    ['to nowhere', ''],
    ['beside itself', 'bundle.json'],
    ['with a fragment', '/#x'],
  ])('FED-10: %s is refused', async (_, to) => {
    const server = await EndpointServer.start(webLeaf(), redirecting(to));
    const refused = await refusalOfAsync(() => fetched(web(server.url())));
    expect([refused.reason, server.asked.length]).toEqual(['FEDERATION_REDIRECT_REFUSED', 1]);
    expect(refused.message).not.toContain('u:p');
  });

  it('without a location is refused', async () => {
    const server = await EndpointServer.start(webLeaf(), answering('', 302));
    expect((await refusalOfAsync(() => fetched(web(server.url())))).reason).toBe('FEDERATION_REDIRECT_REFUSED');
  });

  it('FED-11: under https_spiffe to another SPIFFE ID is refused', async () => {
    const there = await EndpointServer.start(spiffeLeaf(`spiffe://${PARTNER}/other`));
    const here = await EndpointServer.start(spiffeLeaf(), redirecting(there.url()));
    expect((await refusalOfAsync(() => fetched(spiffe(here.url())))).reason).toBe('FEDERATION_ENDPOINT_UNTRUSTED');
    expect(there.asked).toEqual([]);
  });

  it('FED-10: under https_spiffe to an endpoint that only the web trusts is refused, and the other way round', async () => {
    const [byWeb, bySpiffe] = [await EndpointServer.start(webLeaf()), await EndpointServer.start(spiffeLeaf())];
    const fromSpiffe = await EndpointServer.start(spiffeLeaf(), redirecting(byWeb.url()));
    const fromWeb = await EndpointServer.start(webLeaf(), redirecting(bySpiffe.url()));
    for (const from of [spiffe(fromSpiffe.url()), web(fromWeb.url())])
      expect((await refusalOfAsync(() => fetched(from))).reason).toBe('FEDERATION_ENDPOINT_UNTRUSTED');
    expect([...byWeb.asked, ...bySpiffe.asked]).toEqual([]);
  });
});
