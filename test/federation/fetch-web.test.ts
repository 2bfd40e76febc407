// SPDX-License-Identifier: Apache-2.0
import { createSecureContext } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import { webRoots } from '../../src/federation/web-roots.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { TestCa } from '../support/test-ca.ts';
import {
  documentOf,
  EndpointServer,
  fetched,
  PARTNER,
  partnerCa,
  spiffeLeaf,
  trustIn,
  web,
  webCa,
  webLeaf,
} from './endpoints.ts';

describe('https_web', () => {
  it('FED-15: an authority that is trusted here and a certificate for the host are enough', async () => {
    const server = await EndpointServer.start(webLeaf());
    expect(await fetched(web(server.url()))).toBe(documentOf([partnerCa], 1));
  });

  it.each([
    ['for another host', () => webLeaf(['other.example'])],
    ['for no host', () => webLeaf([])],
    ['for a host below', () => webLeaf(['a.localhost'])],
    ['of an authority that is not trusted', () => TestCa.create('x').issue('', { uris: [], dns: ['localhost'] })],
    ['that has expired', () => webCa.issue('', { uris: [], dns: ['localhost'], notAfter: Date.now() - 1_000 })],
    ['that is an SVID of that trust domain', () => spiffeLeaf()],
    ['that an SVID authority signed for the host', () => partnerCa.issue('', { uris: [], dns: ['localhost'] })],
  ])('FED-15: a certificate %s is refused, and nothing is asked', async (_, leaf) => {
    const server = await EndpointServer.start(leaf());
    const refused = await refusalOfAsync(() => fetched(web(server.url())));
    expect(refused.reason).toBe('FEDERATION_ENDPOINT_UNTRUSTED');
    expect(server.asked).toEqual([]);
  });

  it('FED-15: an address wants a certificate for the address', async () => {
    const server = await EndpointServer.start(webLeaf());
    expect((await refusalOfAsync(() => fetched(web(server.url('/', '127.0.0.1'))))).reason).toBe(
      'FEDERATION_ENDPOINT_UNTRUSTED',
    );
  });

  it('FED-13: an endpoint with a perfect SVID is not tried the other way', async () => {
    const server = await EndpointServer.start(spiffeLeaf());
    const trust = trustIn(new Map([[PARTNER, [partnerCa.der]]]));
    await refusalOfAsync(() => fetched(web(server.url()), { trust }));
    expect([server.connections, server.asked]).toEqual([1, []]);
  });

  it('FED-06: a server that only speaks TLS 1.1 is not spoken to', async () => {
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    const server = await EndpointServer.start(webLeaf(), undefined, old);
    const refused = await refusalOfAsync(() => fetched(web(server.url())));
    expect(refused.reason).toMatch(/^FEDERATION_/);
    expect(server.asked).toEqual([]);
  });
});

describe('FED-15: whom https_web believes', () => {
  it('is a file, read anew each time', async () => {
    let text = 'nothing';
    const context = webRoots(async () => text);
    expect((await refusalOfAsync(context)).reason).toBe('WEB_ROOTS_MISSING');
    text = `-----BEGIN CERTIFICATE-----\n${webCa.der.toString('base64')}\n-----END CERTIFICATE-----\n`;
    expect(await context()).toBeInstanceOf(createSecureContext().constructor);
  });

  it('or the authorities of this machine, read once', async () => {
    const context = webRoots(undefined);
    const first = await context().catch((error) => error);
    // A machine without any says so.
    if (first instanceof Error) expect(first).toMatchObject({ reason: 'WEB_ROOTS_MISSING' });
    else expect(await context()).toBe(first);
  });

  it('and not an authority that only a test knows', async () => {
    const server = await EndpointServer.start(webLeaf());
    const trust = { ...trustIn(), webContext: webRoots(undefined) };
    expect((await refusalOfAsync(() => fetched(web(server.url()), { trust }))).reason).toMatch(
      /FEDERATION_ENDPOINT_UNTRUSTED|WEB_ROOTS_MISSING/,
    );
  });
});
