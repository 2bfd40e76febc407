// SPDX-License-Identifier: Apache-2.0
/** Relationships that the configuration has, and what a restart with another one makes of them. */
import { expect, it } from '@jest/globals';
import { parseRelationship } from '../../src/federation/relationship.ts';
import { OPERATOR } from '../registry/rooms.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { TestCa } from '../support/test-ca.ts';
import {
  documentOf,
  EndpointServer,
  PARTNER,
  partnerCa,
  SERVER_ID,
  spiffe,
  spiffeLeaf,
  web,
  webLeaf,
} from './endpoints.ts';
import { openFederation, webText } from './room.ts';

const first = { readInitialBundle: async () => documentOf([partnerCa], 1) };
const none = { readInitialBundle: undefined };

it('FED-17: the configured bundle verifies the first answer', async () => {
  const server = await EndpointServer.start(spiffeLeaf(), documentOf([partnerCa], 7));
  const { federation, registry } = await openFederation([{ relationship: spiffe(server.url()), ...first }]);
  expect(registry.foreignBundle(PARTNER)).toMatchObject({ updatedBy: 'config' });
  expect(await federation.refresh(PARTNER)).toMatchObject({ result: 'unchanged' });
  expect(registry.foreignBundle(PARTNER)).toMatchObject({ updatedBy: 'federation', sequence: 7n });
  expect(federation.get(PARTNER)).toMatchObject({ origin: 'config', createdBy: 'config' });
});

it('FED-17: once one is stored, the configured one is not read any more', async () => {
  const next = TestCa.create(PARTNER);
  const server = await EndpointServer.start(spiffeLeaf(), documentOf([partnerCa, next], 7));
  const configured = [{ relationship: spiffe(server.url()), ...first }];
  const before = await openFederation(configured);
  await before.federation.refresh(PARTNER);
  server.show(next.issue(SERVER_ID));
  const gone = { readInitialBundle: () => Promise.reject(new Error('the file is gone')) };
  const { federation, stored } = await before.restart([{ relationship: spiffe(server.url()), ...gone }]);
  expect(stored()).toEqual([partnerCa.der, next.der]);
  expect(await federation.refresh(PARTNER)).toMatchObject({ result: 'unchanged' });
});

it('FED-24: one that left the configuration takes its bundle along; those of administrators stay', async () => {
  const server = await EndpointServer.start(webLeaf());
  const before = await openFederation([{ relationship: web(server.url()), ...none }]);
  await before.federation.create(webText(server.url(), 'other.example'), undefined, OPERATOR);
  await Promise.all([PARTNER, 'other.example'].map((name) => before.federation.refresh(name)));
  const { federation, stored } = await before.restart([]);
  expect(federation.all().map(({ trustDomain }) => trustDomain)).toEqual(['other.example']);
  expect([stored(), stored('other.example')]).toEqual([undefined, [partnerCa.der]]);
});

it('one of the configuration is ended there and not by an administrator', async () => {
  const { federation } = await openFederation([{ relationship: web('https://localhost:1/'), ...none }]);
  expect((await refusalOfAsync(() => federation.delete(PARTNER, OPERATOR))).reason).toBe('FEDERATION_CONFIGURED');
  expect(federation.has(PARTNER)).toBe(true);
});

it('FED-13: the configuration takes the place of an administrator for the same trust domain, and keeps the bundle', async () => {
  const server = await EndpointServer.start(webLeaf());
  const before = await openFederation();
  await before.federation.create(webText('https://localhost:1/'), undefined, OPERATOR);
  await before.byHand([partnerCa]);
  const { federation, stored, log } = await before.restart([{ relationship: web(server.url()), ...none }]);
  expect(federation.get(PARTNER)).toMatchObject({ origin: 'config', url: server.url() });
  expect(stored()).toEqual([partnerCa.der]);
  expect(log.lines[0]).toMatchObject({
    level: 'warn',
    message: 'the configuration replaces a federation relationship',
  });
});

it('FED-18: what serves no bundle of its own is not given one', async () => {
  const relationship = parseRelationship({
    trustDomain: PARTNER,
    url: 'https://localhost:1/',
    profile: 'https_spiffe',
    endpointSpiffeId: 'spiffe://other.example/x',
  });
  const { stored } = await openFederation([{ relationship, ...first }]);
  expect(stored()).toBeUndefined();
});
