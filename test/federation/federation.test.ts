// SPDX-License-Identifier: Apache-2.0
/** Relationships made by administrators, from the first fetch to their end. */
import { describe, expect, it } from '@jest/globals';
import { OPERATOR } from '../registry/rooms.ts';
import { eventually } from '../support/authority.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { TestCa } from '../support/test-ca.ts';
import {
  answering,
  documentOf,
  EndpointServer,
  PARTNER,
  partnerCa,
  SERVER_ID,
  spiffeLeaf,
  webLeaf,
} from './endpoints.ts';
import { openFederation, spiffeText, webText } from './room.ts';

const nextCa = TestCa.create(PARTNER);
const initial = { format: 'spiffe', text: documentOf([partnerCa], 1) } as const;

describe('a relationship by https_web', () => {
  it('FED-14, FED-22: is made of three parts, and what it fetches is stored under its trust domain', async () => {
    const server = await EndpointServer.start(webLeaf());
    const { federation, stored, registry } = await openFederation();
    await federation.create(webText(server.url()), undefined, OPERATOR);
    expect(await federation.refresh(PARTNER)).toEqual({ result: 'taken', reason: undefined, hintSeconds: null });
    expect(stored()).toEqual([partnerCa.der]);
    expect(registry.foreignBundle(PARTNER)).toMatchObject({ updatedBy: 'federation', sequence: 1n });
    expect(federation.get(PARTNER)).toMatchObject({
      origin: 'admin',
      createdBy: 'uid:0',
      failures: 0,
      error: undefined,
    });
  });

  it('FED-27: each fetch is a line in the log, with trust domain, url and result', async () => {
    const server = await EndpointServer.start(webLeaf());
    const { federation, log } = await openFederation();
    await federation.create(webText(server.url()), undefined, OPERATOR);
    await federation.refresh(PARTNER);
    server.handler = answering('', 500);
    await refusalOfAsync(() => federation.refresh(PARTNER));
    const about = { trustDomain: PARTNER, url: server.url(), profile: 'https_web' };
    expect(log.lines).toEqual([
      expect.objectContaining({ level: 'info', fields: expect.objectContaining({ ...about, result: 'taken' }) }),
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ ...about, err: expect.anything() }) }),
    ]);
  });

  it('BUN-13: a bundle with a key of ours is refused, and the stored one stays', async () => {
    const { anAuthority, NOW } = await import('../store/samples.ts');
    const server = await EndpointServer.start(webLeaf());
    const { federation, stored, store } = await openFederation();
    const own = TestCa.create('td');
    await store.replaceAuthorities('x509', [anAuthority({ published: own.der })], new Map(), 'aa', 'uid:0', NOW);
    await federation.create(webText(server.url()), undefined, OPERATOR);
    await federation.refresh(PARTNER);
    server.handler = answering(documentOf([own], 2));
    expect((await refusalOfAsync(() => federation.refresh(PARTNER))).reason).toBe('BUNDLE_HOLDS_OWN_ROOT');
    expect(stored()).toEqual([partnerCa.der]);
  });

  it.each([
    ['is no JSON', 'hello'],
    ['CLI-23: is the body of an error', '{"error":"not found"}'],
    ['BUN-01: has no keys', '{"spiffe_sequence":5}'],
    ['names a member twice', '{"keys":[],"keys":[]}'],
    ['BUN-04: has a sequence above 64 bits', '{"keys":[],"spiffe_sequence":18446744073709551616}'],
  ])('FED-21: an answer that %s is refused, and the stored one stays', async (_, body) => {
    const server = await EndpointServer.start(webLeaf());
    const { federation, stored } = await openFederation();
    await federation.create(webText(server.url()), undefined, OPERATOR);
    await federation.refresh(PARTNER);
    server.handler = answering(body);
    expect((await refusalOfAsync(() => federation.refresh(PARTNER))).reason).toBe('FEDERATION_ANSWER_INVALID');
    expect(stored()).toEqual([partnerCa.der]);
    expect(federation.get(PARTNER)).toMatchObject({ failures: 1, error: { reason: 'FEDERATION_ANSWER_INVALID' } });
  });

  it('BUN-02: an empty bundle is taken: nothing of that trust domain is trusted any more', async () => {
    const server = await EndpointServer.start(webLeaf());
    const { federation, stored } = await openFederation();
    await federation.create(webText(server.url()), undefined, OPERATOR);
    await federation.refresh(PARTNER);
    server.handler = answering('{"keys":[],"spiffe_sequence":2}');
    await federation.refresh(PARTNER);
    expect(stored()).toEqual([]);
  });

  it('FED-22: a lower sequence is ignored with a warning, and so is other content under the same one', async () => {
    const server = await EndpointServer.start(webLeaf(), documentOf([partnerCa], 5));
    const { federation, stored, log } = await openFederation();
    await federation.create(webText(server.url()), undefined, OPERATOR);
    await federation.refresh(PARTNER);
    for (const sequence of [4, 5]) {
      server.handler = answering(documentOf([nextCa], sequence));
      expect(await federation.refresh(PARTNER)).toMatchObject({ result: 'ignored' });
      expect(log.lines.at(-1)).toMatchObject({ level: 'warn', message: 'a fetched bundle is ignored' });
    }
    expect(stored()).toEqual([partnerCa.der]);
    server.handler = answering(documentOf([nextCa], 6));
    await federation.refresh(PARTNER);
    expect(stored()).toEqual([nextCa.der]);
    server.handler = answering(documentOf([partnerCa]));
    await federation.refresh(PARTNER);
    expect(stored()).toEqual([partnerCa.der]);
  });

  it('FED-22: the order holds over a restart', async () => {
    const server = await EndpointServer.start(webLeaf(), documentOf([partnerCa], 9_007_199_254_740_993n));
    const before = await openFederation();
    await before.federation.create(webText(server.url()), undefined, OPERATOR);
    await before.federation.refresh(PARTNER);
    const { federation, stored } = await before.restart();
    server.handler = answering(documentOf([nextCa], 9_007_199_254_740_992n));
    await eventually(() => federation.get(PARTNER).lastSuccessAt !== undefined);
    await federation.refresh(PARTNER);
    expect(federation.get(PARTNER).outcome).toMatchObject({ result: 'ignored' });
    expect(stored()).toEqual([partnerCa.der]);
  });

  it('FED-23: a bundle that an operator sets by hand holds until the next refresh', async () => {
    const server = await EndpointServer.start(webLeaf(), documentOf([partnerCa], 5));
    const { federation, stored, byHand } = await openFederation();
    await federation.create(webText(server.url()), undefined, OPERATOR);
    await federation.refresh(PARTNER);
    await byHand([nextCa]);
    expect(stored()).toEqual([nextCa.der]);
    await federation.refresh(PARTNER);
    expect(stored()).toEqual([partnerCa.der]);
  });
});

describe('a relationship by https_spiffe', () => {
  it('FED-17: is verified by the given bundle at first, and then by what was fetched, over a rotation and a restart', async () => {
    const server = await EndpointServer.start(spiffeLeaf());
    const before = await openFederation();
    await before.federation.create(spiffeText(server.url()), initial, OPERATOR);
    expect(before.stored()).toEqual([partnerCa.der]);
    server.handler = answering(documentOf([partnerCa, nextCa], 2));
    await before.federation.refresh(PARTNER);
    server.show(nextCa.issue(SERVER_ID));
    server.handler = answering(documentOf([nextCa], 3));
    await before.federation.refresh(PARTNER);
    expect(before.stored()).toEqual([nextCa.der]);
    const { federation, stored } = await before.restart();
    expect(stored()).toEqual([nextCa.der]);
    expect(await federation.refresh(PARTNER)).toMatchObject({ result: 'unchanged' });
  });

  it('FED-17: without a bundle, given or stored, it is not made', async () => {
    const { federation, byHand } = await openFederation();
    const refused = await refusalOfAsync(() =>
      federation.create(spiffeText('https://localhost:1/'), undefined, OPERATOR),
    );
    expect([refused.reason, refused.field]).toEqual(['FEDERATION_INVALID', 'bundle']);
    expect(federation.has(PARTNER)).toBe(false);
    await byHand([partnerCa]);
    await federation.create(spiffeText('https://localhost:1/'), undefined, OPERATOR);
    expect(federation.has(PARTNER)).toBe(true);
  });

  it.each([
    ['of https_web', webText('https://localhost:1/')],
    ['whose endpoint is of another trust domain', spiffeText('https://localhost:1/', 'spiffe://other.example/x')],
  ])('FED-17: one %s takes no bundle', async (_, text) => {
    const { federation, stored } = await openFederation();
    expect((await refusalOfAsync(() => federation.create(text, initial, OPERATOR))).field).toBe('bundle');
    expect(stored()).toBeUndefined();
  });

  it('FED-18: one whose endpoint is of another trust domain fetches once that bundle is there', async () => {
    const other = TestCa.create('other.example');
    const server = await EndpointServer.start(other.issue('spiffe://other.example/x'));
    const { federation, byHand, stored } = await openFederation();
    await federation.create(spiffeText(server.url(), 'spiffe://other.example/x'), undefined, OPERATOR);
    expect((await refusalOfAsync(() => federation.refresh(PARTNER))).reason).toBe('FEDERATION_BUNDLE_MISSING');
    expect(server.connections).toBe(0);
    await byHand([other], 'other.example');
    await federation.refresh(PARTNER);
    expect(stored()).toEqual([partnerCa.der]);
  });
});

describe('what is refused', () => {
  it('FED-25: our own trust domain', async () => {
    const { federation } = await openFederation();
    const refused = await refusalOfAsync(() =>
      federation.create(webText('https://localhost:1/', 'td'), undefined, OPERATOR),
    );
    expect(refused.reason).toBe('FEDERATION_IS_OWN');
  });

  it('FED-13: a second relationship with a trust domain, also while the first is being made', async () => {
    const { federation } = await openFederation();
    const made = federation.create(webText('https://localhost:1/'), undefined, OPERATOR);
    const second = () => federation.create(webText('https://localhost:2/'), undefined, OPERATOR);
    expect((await refusalOfAsync(second)).reason).toBe('FEDERATION_EXISTS');
    await made;
    expect((await refusalOfAsync(second)).reason).toBe('FEDERATION_EXISTS');
    expect(federation.get(PARTNER).url).toBe('https://localhost:1/');
  });

  it('I9: more than the limit', async () => {
    const { federation } = await openFederation([], { most: 1 });
    await federation.create(webText('https://localhost:1/'), undefined, OPERATOR);
    const second = await refusalOfAsync(() =>
      federation.create(webText('https://localhost:1/', 'b.org'), undefined, OPERATOR),
    );
    expect([second.kind, second.reason]).toEqual(['resource-exhausted', 'LIMIT_REACHED']);
  });

  it('what is not there', async () => {
    const { federation } = await openFederation();
    expect((await refusalOfAsync(() => federation.refresh(PARTNER))).reason).toBe('FEDERATION_NOT_FOUND');
    expect((await refusalOfAsync(() => federation.delete(PARTNER, OPERATOR))).reason).toBe('FEDERATION_NOT_FOUND');
    expect((await refusalOfAsync(async () => federation.get('__proto__'))).reason).toBe('FEDERATION_NOT_FOUND');
  });
});

describe('FED-24: a relationship that ends', () => {
  it('takes its bundle along, and is polled no more', async () => {
    const server = await EndpointServer.start(webLeaf());
    const { federation, stored, registry, clock, ...bench } = await openFederation();
    await federation.create(webText(server.url()), undefined, OPERATOR);
    await federation.refresh(PARTNER);
    const told: string[] = [];
    registry.onChange((changes) => told.push(...changes.map(({ kind, action, key }) => `${kind} ${action} ${key}`)));
    await federation.delete(PARTNER, OPERATOR);
    expect(told).toEqual([`federation delete ${PARTNER}`, `bundle delete ${PARTNER}`]);
    expect([stored(), federation.all(), clock.pending]).toEqual([undefined, [], expect.any(Number)]);
    const asked = server.asked.length;
    await clock.advance(3_600_000);
    expect(server.asked.length).toBe(asked);
    const again = await bench.restart();
    expect([again.stored(), again.federation.all()]).toEqual([undefined, []]);
  });

  it('stores nothing of a fetch that is under way', async () => {
    let answer: (() => void) | undefined;
    const server = await EndpointServer.start(webLeaf(), (_, response) => {
      answer = () => void response.end(documentOf([partnerCa], 1));
    });
    const { federation, stored, log } = await openFederation();
    await federation.create(webText(server.url()), undefined, OPERATOR);
    const fetching = federation.refresh(PARTNER).catch((error: Error) => error.message);
    await eventually(() => answer !== undefined);
    const ending = federation.delete(PARTNER, OPERATOR);
    answer?.();
    await ending;
    expect(await fetching).toBe('the relationship has ended');
    expect(stored()).toBeUndefined();
    expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });
});
