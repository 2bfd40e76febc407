// SPDX-License-Identifier: Apache-2.0
/**
 * Two daemons that federate, workloads of each calling servers of the other without a pause, and a rotation of all four
 * authorities as an operator does it: prepared, announced, activated, and the old ones gone from use.
 */
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { webCa, webLeaf } from '../federation/endpoints.ts';
import { Daemon, SHORT_LIVES } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { pem } from '../support/test-ca.ts';
import { keyPem } from '../support/tls-parties.ts';
import { FederatedLanes, type Side, sideOf } from './federated-lanes.ts';

const NAMES = ['one.example', 'two.example'] as const;
const KINDS = ['x509', 'jwt'] as const;
type Profile = 'https_web' | 'https_spiffe';
type Name = (typeof NAMES)[number];

/** SHORT_LIVES: an announcement takes 20 s, and what was issued before the change has ended 10 s after it. */
const ANNOUNCED_WITHIN_MS = 40_000;
const OUTLIVED_MS = 13_000;

interface Domain {
  readonly name: Name;
  readonly daemon: Daemon;
  readonly port: number;
}

async function domain(name: Name, profile: Profile): Promise<Domain> {
  const port = await freePort();
  const files = profile === 'https_web' ? ', cert: c.pem, key: k.pem' : '';
  const daemon = new Daemon({
    trustDomain: name,
    config: [
      ...SHORT_LIVES,
      `https: { listen: "127.0.0.1:${port}"${files} }`,
      `federation: { bundle_endpoint: { profile: ${profile}, path: /bundle }, shortest_refresh: 1s, ca_file: ca.pem }`,
    ],
  });
  const leaf = webLeaf();
  writeFileSync(join(daemon.folder, 'c.pem'), leaf.chain.map(pem).join(''));
  writeFileSync(join(daemon.folder, 'k.pem'), keyPem(leaf.pkcs8), { mode: 0o600 });
  writeFileSync(join(daemon.folder, 'ca.pem'), pem(webCa.der));
  return { name, daemon, port };
}

async function federate(from: Domain, to: Domain, profile: Profile): Promise<void> {
  const { bundle } = await to.daemon.admin.call('GetOwnBundle');
  const spiffe = {
    endpoint_spiffe_id: `spiffe://${to.name}/spire/server`,
    bundle_format: 'spiffe',
    bundle_document: Buffer.from(bundle.spiffe_document),
  };
  await from.daemon.admin.call('CreateFederation', {
    trust_domain: to.name,
    url: `https://localhost:${to.port}/bundle`,
    profile,
    ...(profile === 'https_spiffe' ? spiffe : {}),
  });
  await from.daemon.admin.call('RefreshFederation', { trust_domain: to.name });
}

interface Signing {
  readonly id: string;
  readonly certificate: Buffer;
}

async function signing({ daemon }: Domain, kind: string): Promise<Signing> {
  const { authorities } = await daemon.admin.call('GetAuthorities', { kind });
  return authorities.find(({ slot }: { slot: string }) => slot === 'active');
}

/** As an operator does it who lets the announcement run; the daemon's own schedule may come first. */
async function rotate(one: Domain, kind: string, from: string): Promise<void> {
  const out = (error: Error): string => error.message;
  await one.daemon.admin.call('PrepareAuthority', { kind }).catch(out);
  const until = Date.now() + ANNOUNCED_WITHIN_MS;
  while ((await signing(one, kind)).id === from) {
    const last = await one.daemon.admin.call('ActivateAuthority', { kind, now: false }).catch(out);
    if (Date.now() > until) throw new Error(`${one.name}: no ${kind} rotation: ${last}`);
    await sleep(250);
  }
}

const signedBy = (certificates: Iterable<X509Certificate>, { certificate }: Signing): boolean =>
  [...certificates].some((leaf) => leaf.verify(new X509Certificate(certificate).publicKey));

it.each<Profile>(['https_web', 'https_spiffe'])(
  'FED-28 I6: no request between two federated trust domains is lost while all their authorities rotate, by %s',
  async (profile) => {
    const domains = [await domain(NAMES[0], profile), await domain(NAMES[1], profile)] as const;
    const [one, two] = domains;
    const sides: Side[] = [];
    const lanes: FederatedLanes[] = [];
    try {
      await Promise.all(domains.map(({ daemon }) => daemon.start()));
      await federate(one, two, profile);
      await federate(two, one, profile);
      const [a, b] = [await sideOf(one.daemon, one.name, two.name), await sideOf(two.daemon, two.name, one.name)];
      sides.push(a, b);
      lanes.push(new FederatedLanes(a, b), new FederatedLanes(b, a));
      for (const lane of lanes) await lane.start();
      await sleep(2_000);

      const all = domains.flatMap((each) => KINDS.map((kind) => ({ each, kind })));
      const before = await Promise.all(all.map(({ each, kind }) => signing(each, kind)));
      await Promise.all(all.map(({ each, kind }, at) => rotate(each, kind, before[at]?.id ?? '')));
      const after = await Promise.all(all.map(({ each, kind }) => signing(each, kind)));
      await sleep(OUTLIVED_MS);
      await Promise.all(lanes.map((lane) => lane.stop()));

      expect(lanes.flatMap(({ failures }) => failures)).toEqual([]);
      for (const [at, lane] of lanes.entries()) {
        // Each was met before and after: the certificates of both ends, and the keys of the tokens.
        const [ours, theirs] = [at * 2, 2 - at * 2];
        for (const [seen, x509] of [
          [lane.clients, ours],
          [lane.servers, theirs],
        ] as const) {
          expect(signedBy(seen.values(), before[x509] as Signing)).toBe(true);
          expect(signedBy(seen.values(), after[x509] as Signing)).toBe(true);
        }
        expect([...lane.kids]).toEqual(expect.arrayContaining([before[ours + 1]?.id, after[ours + 1]?.id]));
        const { mtls, jwt } = lane.counts;
        console.log(
          `${profile}, ${NAMES[at]} calls ${NAMES[1 - at]}: ${mtls} requests by mutual TLS (${lane.clients.size} client and ${lane.servers.size} server certificates), ${jwt} with tokens (${lane.kids.size} keys), none lost`,
        );
      }
    } finally {
      await Promise.all(lanes.map((lane) => lane.stop()));
      for (const { x509, jwt } of sides) {
        x509.close();
        jwt.close();
      }
      await Promise.all(domains.map(({ daemon }) => daemon.close()));
    }
  },
);
