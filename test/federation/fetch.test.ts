// SPDX-License-Identifier: Apache-2.0
/** A bundle endpoint that proves itself by its SPIFFE ID, and endpoints that answer what nobody should swallow. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/authority.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { KU, TestCa } from '../support/test-ca.ts';
import {
  answering,
  documentOf,
  EndpointServer,
  fetched,
  PARTNER,
  partnerCa,
  SERVER_ID,
  spiffe,
  spiffeLeaf,
  trustIn,
  webLeaf,
} from './endpoints.ts';

describe('https_spiffe', () => {
  it('FED-16: an SVID of the configured ID is enough: the host is not looked at', async () => {
    const server = await EndpointServer.start(spiffeLeaf());
    expect(await fetched(spiffe(server.url()))).toBe(documentOf([partnerCa], 1));
    expect(await fetched(spiffe(server.url('/', '127.0.0.1')))).toBe(documentOf([partnerCa], 1));
  });

  it.each([
    ['of another ID of that trust domain', () => spiffeLeaf(`spiffe://${PARTNER}/workload`)],
    ['of an ID that begins alike', () => spiffeLeaf(`${SERVER_ID}2`)],
    ['of another trust domain', () => TestCa.create('other.example').issue('spiffe://other.example/spire/server')],
    ['signed by a stranger of that name', () => TestCa.create(PARTNER).issue(SERVER_ID)],
    ['that has expired', () => partnerCa.issue(SERVER_ID, { notAfter: Date.now() - 1_000 })],
    ['of a CA', () => partnerCa.issue(SERVER_ID, { isCa: true, keyUsage: KU.digitalSignature })],
    ['that has two IDs', () => partnerCa.issue(SERVER_ID, { uris: [SERVER_ID, `spiffe://${PARTNER}/x`] })],
    ['that the web trusts', () => webLeaf()],
  ])('FED-16: a certificate %s is refused, and nothing is asked', async (_, leaf) => {
    const server = await EndpointServer.start(leaf());
    const refused = await refusalOfAsync(() => fetched(spiffe(server.url())));
    expect(refused.reason).toBe('FEDERATION_ENDPOINT_UNTRUSTED');
    expect(server.asked).toEqual([]);
  });

  it('X509-17: an anchor of another trust domain that is trusted too does not count', async () => {
    const other = TestCa.create('other.example');
    const server = await EndpointServer.start(other.issue(SERVER_ID));
    const trust = trustIn(
      new Map([
        [PARTNER, [partnerCa.der]],
        ['other.example', [other.der]],
      ]),
    );
    expect((await refusalOfAsync(() => fetched(spiffe(server.url()), { trust }))).reason).toBe(
      'FEDERATION_ENDPOINT_UNTRUSTED',
    );
  });

  it('FED-18: an endpoint of another trust domain is verified by the bundle of that one', async () => {
    const other = TestCa.create('other.example');
    const id = 'spiffe://other.example/bundles';
    const server = await EndpointServer.start(other.issue(id));
    const trust = trustIn(new Map([['other.example', [other.der]]]));
    expect(await fetched(spiffe(server.url(), id), { trust })).toBe(documentOf([partnerCa], 1));
  });

  it('FED-18: without that bundle nothing is asked for, and the error says what to do', async () => {
    const server = await EndpointServer.start(spiffeLeaf());
    const refused = await refusalOfAsync(() => fetched(spiffe(server.url()), { trust: trustIn(new Map()) }));
    expect([refused.reason, refused.hint]).toEqual([
      'FEDERATION_BUNDLE_MISSING',
      `assay bundle set ${PARTNER} --file bundle.json`,
    ]);
    expect(server.connections).toBe(0);
  });

  it('BUN-02: an endpoint whose trust domain revoked everything is not believed', async () => {
    const server = await EndpointServer.start(spiffeLeaf());
    const refused = await refusalOfAsync(() =>
      fetched(spiffe(server.url()), { trust: trustIn(new Map([[PARTNER, []]])) }),
    );
    expect(refused.reason).toBe('FEDERATION_ENDPOINT_UNTRUSTED');
  });

  it('FED-13: an endpoint that only the web vouches for is not tried the other way', async () => {
    const server = await EndpointServer.start(webLeaf());
    await refusalOfAsync(() => fetched(spiffe(server.url())));
    expect([server.connections, server.asked]).toEqual([1, []]);
  });
});

describe('what is answered', () => {
  it.each([
    ['FED-26: 404', answering('{"keys":[]}', 404), /status is 404/],
    ['FED-26: 405', answering('{"keys":[]}', 405), /status is 405/],
    ['FED-26: 500 with a bundle for a body', answering('{"keys":[]}', 500), /status is 500/],
    ['FED-26: 204', answering('', 204), /status is 204/],
    ['FED-26: 206', answering('{"keys":[]}', 206), /status is 206/],
    ['I9: a document above the ceiling', answering(Buffer.alloc(1_048_577, 32)), /larger than 1048576 bytes/],
    ['a document that is not UTF-8', answering(Buffer.from([0x7b, 0xff, 0x7d])), /no text in UTF-8/],
    ['a packed document', answering(gzipSync('{"keys":[]}'), 200, { 'Content-Encoding': 'gzip' }), /packed/],
  ])('%s is refused', async (_, handler, why) => {
    const server = await EndpointServer.start(spiffeLeaf(), handler);
    const refused = await refusalOfAsync(() => fetched(spiffe(server.url())));
    expect(refused.reason).toBe('FEDERATION_ANSWER_INVALID');
    expect(refused.message).toMatch(why);
  });

  it('I9: a document without end is cut off at the ceiling', async () => {
    let sent = 0;
    const server = await EndpointServer.start(spiffeLeaf(), (_, response) => {
      let over = false;
      response.on('close', () => {
        over = true;
      });
      const more = (): void => {
        if (over) return;
        sent += 65_536;
        if (response.write(Buffer.alloc(65_536, 32))) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    });
    const refused = await refusalOfAsync(() => fetched(spiffe(server.url())));
    expect(refused.message).toMatch(/larger than/);
    await eventually(() => server.sockets === 0);
    expect(sent).toBeLessThan(32 << 20);
  });

  it('a document that breaks off is refused', async () => {
    const server = await EndpointServer.start(spiffeLeaf(), (request, response) => {
      response.writeHead(200, { 'Content-Length': '1000' });
      response.write('{"keys":[', () => request.socket.destroy());
    });
    expect((await refusalOfAsync(() => fetched(spiffe(server.url())))).message).toMatch(/breaks off/);
  });

  it('I9: headers above the ceiling are refused', async () => {
    const server = await EndpointServer.start(
      spiffeLeaf(),
      answering('{"keys":[]}', 200, { 'X-Long': 'x'.repeat(20_000) }),
    );
    const refused = await refusalOfAsync(() => fetched(spiffe(server.url())));
    expect(refused.reason).toBe('FEDERATION_ANSWER_INVALID');
  });

  it('nobody there is told by the system word for it', async () => {
    const server = await EndpointServer.start(spiffeLeaf());
    const url = server.url('/', '127.0.0.1');
    server.close();
    const refused = await refusalOfAsync(() => fetched(spiffe(url)));
    expect([refused.reason, refused.message]).toEqual([
      'FEDERATION_UNREACHABLE',
      expect.stringContaining('ECONNREFUSED'),
    ]);
  });
});

describe('I9: an endpoint that takes its time', () => {
  it('over the first answer is left after 10 s', async () => {
    const clock = new FakeClock();
    const server = await EndpointServer.start(spiffeLeaf(), () => undefined);
    const asked = refusalOfAsync(() => fetched(spiffe(server.url()), { clock }));
    await eventually(() => server.asked.length === 1);
    await clock.advance(10_000);
    const refused = await asked;
    expect([refused.reason, refused.message]).toEqual(['FEDERATION_TIMEOUT', expect.stringContaining('10 s')]);
    await eventually(() => server.sockets === 0);
    expect(clock.pending).toBe(0);
  });

  it('over the handshake is left as well', async () => {
    const clock = new FakeClock();
    const { createServer } = await import('node:net');
    let sockets = 0;
    const silent = createServer((socket) => {
      sockets += 1;
      socket
        .resume()
        .on('error', () => undefined)
        .on('close', () => {
          sockets -= 1;
        });
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const asked = refusalOfAsync(() => fetched(spiffe(`https://127.0.0.1:${port}/`), { clock }));
    await eventually(() => sockets === 1);
    await clock.advance(10_000);
    expect((await asked).reason).toBe('FEDERATION_TIMEOUT');
    await eventually(() => sockets === 0);
    silent.close();
  });

  it('over all of it, byte by byte, is left after 20 s', async () => {
    const clock = new FakeClock();
    const server = await EndpointServer.start(spiffeLeaf(), (_, response) => void response.writeHead(200).write('{'));
    const asked = refusalOfAsync(() => fetched(spiffe(server.url()), { clock }));
    await eventually(() => server.asked.length === 1);
    // Once the headers are there only the second deadline runs.
    await eventually(() => clock.pending === 1);
    await clock.advance(19_000);
    expect(server.sockets).toBe(1);
    await clock.advance(1_000);
    expect([(await asked).reason, (await asked).message]).toEqual([
      'FEDERATION_TIMEOUT',
      expect.stringContaining('20 s'),
    ]);
    await eventually(() => server.sockets === 0);
  });

  it('is left at once when the relationship ends', async () => {
    const ending = new AbortController();
    const server = await EndpointServer.start(spiffeLeaf(), () => undefined);
    const asked = fetched(spiffe(server.url()), { signal: ending.signal });
    asked.catch(() => undefined);
    await eventually(() => server.asked.length === 1);
    ending.abort(new Error('ended'));
    await expect(asked).rejects.toThrow('ended');
    await eventually(() => server.sockets === 0);
  });
});
