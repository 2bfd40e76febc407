// SPDX-License-Identifier: Apache-2.0
/** Two real daemons that federate, each by another profile, seen by workloads of both. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authorizeId } from '../../src/client/authorize.ts';
import { connectTls } from '../../src/client/connect.ts';
import { createTlsServer } from '../../src/client/server.ts';
import { X509Source } from '../../src/client/x509-source.ts';
import { assayHere as assay, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { pem } from '../support/test-ca.ts';
import { keyPem, listening, portOf } from '../support/tls-parties.ts';
import { webCa, webLeaf } from './endpoints.ts';

const LONG = 60_000;
const SPIFFE = 'spiffe.example';
const WEB = 'web.example';
/** So that each follows the other's changes within a moment. */
const QUICK = ['ca: { ttl: 60s, insecure_short_ca: true }', 'svid: { x509_ttl: 10s }'];

let bySpiffe: Daemon;
let byWeb: Daemon;
const ports = { spiffe: 0, web: 0 };
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  ports.spiffe = await freePort();
  ports.web = await freePort();
  bySpiffe = new Daemon({ trustDomain: SPIFFE, config: [...QUICK, ...config(ports.spiffe, 'https_spiffe', '')] });
  byWeb = new Daemon({
    trustDomain: WEB,
    config: [...QUICK, ...config(ports.web, 'https_web', ', cert: c.pem, key: k.pem')],
  });
  const leaf = webLeaf();
  for (const { folder } of [bySpiffe, byWeb]) {
    writeFileSync(join(folder, 'c.pem'), leaf.chain.map(pem).join(''));
    writeFileSync(join(folder, 'k.pem'), keyPem(leaf.pkcs8), { mode: 0o600 });
    writeFileSync(join(folder, 'ca.pem'), pem(webCa.der));
  }
  await bySpiffe.start();
  await byWeb.start();
}, LONG);

afterAll(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await bySpiffe.close();
  await byWeb.close();
}, LONG);

function config(port: number, profile: string, files: string): string[] {
  return [
    `https: { listen: "127.0.0.1:${port}"${files} }`,
    `federation: { bundle_endpoint: { profile: ${profile}, path: /bundle }, shortest_refresh: 1s, ca_file: ca.pem }`,
  ];
}

const run = (daemon: Daemon, ...args: string[]): Promise<CliResult> =>
  assay([...args, '--admin-socket', daemon.adminSocket]);

async function ok(daemon: Daemon, ...args: string[]): Promise<string> {
  const { code, out, err } = await run(daemon, ...args);
  expect({ args, code, err }).toEqual({ args, code: 0, err: '' });
  return out;
}

async function workload(daemon: Daemon, trustDomain: string, partner: string): Promise<X509Source> {
  await daemon.admin.createEntry({
    spiffe_id: `spiffe://${trustDomain}/workload`,
    selectors: [`unix:uid:${process.getuid?.()}`],
    federates_with: [partner],
  });
  const source = await X509Source.open({ socket: daemon.endpoint });
  closing.push(() => source.close());
  return source;
}

function until(source: X509Source, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      stop();
      resolve();
    };
    const stop = source.onUpdate(look);
    look();
  });
}

/** What a client of one trust domain hears from a server of the other. */
async function talk(client: X509Source, server: X509Source, serverId: string, clientId: string): Promise<string> {
  const listener: Server = createTlsServer(server, { authorize: authorizeId(clientId) }, (socket) => {
    socket.on('error', () => undefined).end('hello');
  });
  await listening(listener);
  try {
    const socket = await connectTls(client, {
      authorize: authorizeId(serverId),
      host: '127.0.0.1',
      port: portOf(listener),
    });
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text;
  } finally {
    listener.close();
  }
}

describe('two daemons that federate', () => {
  it(
    'FED-01, FED-25: one way first: who is not trusted back is refused',
    async () => {
      const out = await ok(
        bySpiffe,
        'federation',
        'create',
        ...['--trust-domain', WEB, '--profile', 'https_web'],
        '--url',
        `https://localhost:${ports.web}/bundle`,
      );
      expect(out).toContain(`${WEB}: its bundle is fetched`);
      const [one, other] = [await workload(bySpiffe, SPIFFE, WEB), await workload(byWeb, WEB, SPIFFE)];
      expect(one.bundleFor(WEB)?.length).toBe(1);
      expect(other.bundleFor(SPIFFE)).toBeUndefined();
      await expect(talk(other, one, `spiffe://${SPIFFE}/workload`, `spiffe://${WEB}/workload`)).rejects.toMatchObject({
        reason: 'PEER_SVID_INVALID',
      });
    },
    LONG,
  );

  it(
    'FED-01, FED-08, FED-24, FED-28: both ways, by either profile, mutual TLS works; open streams hear of it, and of its end',
    async () => {
      const file = join(byWeb.folder, 'initial.json');
      writeFileSync(file, await ok(bySpiffe, 'bundle', 'show', '--format', 'spiffe'));
      const other = await X509Source.open({ socket: byWeb.endpoint });
      const one = await X509Source.open({ socket: bySpiffe.endpoint });
      closing.push(
        () => other.close(),
        () => one.close(),
      );
      const out = await ok(
        byWeb,
        ...['federation', 'create', '--trust-domain', SPIFFE, '--profile', 'https_spiffe'],
        ...['--url', `https://127.0.0.1:${ports.spiffe}/bundle`],
        ...['--endpoint-spiffe-id', `spiffe://${SPIFFE}/spire/server`, '--bundle', file],
      );
      expect(out).toContain(`${SPIFFE}: its bundle is fetched`);
      await until(other, () => other.bundleFor(SPIFFE) !== undefined);
      const [oneId, otherId] = [`spiffe://${SPIFFE}/workload`, `spiffe://${WEB}/workload`];
      expect(await talk(one, other, otherId, oneId)).toBe('hello');
      expect(await talk(other, one, oneId, otherId)).toBe('hello');

      // A new authority is announced, followed by the other side, and signs: nobody notices.
      for (const daemon of [bySpiffe, byWeb]) await ok(daemon, 'ca', 'prepare');
      await until(other, () => other.bundleFor(SPIFFE)?.length === 2);
      await until(one, () => one.bundleFor(WEB)?.length === 2);
      for (const daemon of [bySpiffe, byWeb]) await ok(daemon, 'ca', 'activate', '--now');
      expect(await talk(one, other, otherId, oneId)).toBe('hello');
      for (const daemon of [bySpiffe, byWeb]) {
        const partner = daemon === byWeb ? SPIFFE : WEB;
        expect(await ok(daemon, 'federation', 'refresh', partner)).toMatch(/: (?:taken|unchanged)\n$/);
      }

      await ok(byWeb, 'federation', 'delete', SPIFFE);
      await until(other, () => other.bundleFor(SPIFFE) === undefined);
    },
    LONG,
  );

  it(
    'doctor has a line for each relationship, and for the listener',
    async () => {
      const { out } = await run(bySpiffe, 'doctor');
      expect(out).toMatch(
        new RegExp(`^ok +federation ${WEB}: https://localhost:${ports.web}/bundle: last fetched at .*; next at`, 'm'),
      );
      expect(out).toMatch(
        new RegExp(`^ok +https: 127.0.0.1:${ports.spiffe} shows spiffe://${SPIFFE}/spire/server until`, 'm'),
      );
      expect((await run(byWeb, 'doctor')).out).toMatch(/^warn +https: .* shows a certificate for DNS:localhost until/m);
    },
    LONG,
  );
});
