// SPDX-License-Identifier: Apache-2.0
/** A bundle map beside relationships: whose pace it does not change, and whose bundles it does not touch. */
import { expect, it } from '@jest/globals';
import { readBundleMap } from '../../src/bundle/map.ts';
import { WITHOUT_HINT_MS } from '../../src/federation/schedule.ts';
import { OPERATOR } from '../registry/rooms.ts';
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
import { type FederationBench, openFederation, spiffeText, webText } from './room.ts';

const mapOf = (...members: readonly (readonly [name: string, document: string])[]) =>
  readBundleMap(`{"trust_domains":{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}}`);
const set = ({ registry, federation }: FederationBench, map: ReturnType<typeof mapOf>) =>
  registry.setBundleMap(map, (name) => federation.has(name), 'restrict', OPERATOR);
const pace = ({ federation, clock }: FederationBench): number =>
  (federation.get(PARTNER).nextPollAt as number) - clock.now();

it('BUN-16: an inner hint changes the pace of no relationship, whether it is there or comes later', async () => {
  const server = await EndpointServer.start(webLeaf());
  server.handler = answering('', 500);
  const bench = await openFederation();
  await set(bench, mapOf([PARTNER, documentOf([partnerCa], 1, 1_800)]));
  await bench.federation.create(webText(server.url()), undefined, OPERATOR);
  await refusalOfAsync(() => bench.federation.refresh(PARTNER));
  expect(pace(bench)).toBe(WITHOUT_HINT_MS);
  server.handler = answering(documentOf([partnerCa], 2, 900));
  await bench.federation.refresh(PARTNER);
  expect(pace(bench)).toBe(900_000);
  await set(bench, mapOf(['other.example', documentOf([TestCa.create('other.example')], 1, 60)]));
  expect(pace(bench)).toBe(900_000);
});

it('BUN-17: a bundle that was fetched stays when a map leaves it out, and refuses the map that has it', async () => {
  const server = await EndpointServer.start(webLeaf());
  const bench = await openFederation();
  await bench.federation.create(webText(server.url()), undefined, OPERATOR);
  await bench.federation.refresh(PARTNER);
  await set(bench, mapOf());
  expect(bench.stored()).toEqual([partnerCa.der]);
  const other = documentOf([TestCa.create(PARTNER)], 9);
  expect((await refusalOfAsync(() => set(bench, mapOf([PARTNER, other])))).reason).toBe('BUNDLE_IS_FETCHED');
  expect(bench.stored()).toEqual([partnerCa.der]);
  await bench.federation.delete(PARTNER, OPERATOR);
  await set(bench, mapOf([PARTNER, other]));
  expect(bench.stored()).not.toEqual([partnerCa.der]);
});

it('BUN-17: the first bundle of a relationship that is being made is not taken for one set by hand', async () => {
  const server = await EndpointServer.start(spiffeLeaf());
  const bench = await openFederation();
  const first = { format: 'spiffe', text: documentOf([partnerCa], 1) } as const;
  const made = bench.federation.create(spiffeText(server.url(), SERVER_ID), first, OPERATOR);
  expect(bench.federation.has(PARTNER)).toBe(true);
  await Promise.all([made, set(bench, mapOf())]);
  expect(bench.stored()).toEqual([partnerCa.der]);
});
