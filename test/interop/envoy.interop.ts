// SPDX-License-Identifier: Apache-2.0
/** Two real Envoys between two plain HTTP services, configured as docs/envoy.md shows, under constant load. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { request as requestTls } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon, top } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { pem, TestCa } from '../support/test-ca.ts';
import { keyPem } from '../support/tls-parties.ts';
import { Envoy, envoyProgram, shownConfig } from './envoy-program.ts';
import { commandsOf } from './readme-steps.ts';

/** Renewed about every 10 s: an Envoy that has lost the daemon has 10 s at least to find it again. */
const LIVES = ['ca: { ttl: 120s, insecure_short_ca: true }', 'svid: { x509_ttl: 20s }'];
/** As Envoy writes the name of the secret. */
const BACKEND = 'sds.spiffe_example.org/backend.update_success';
const FRONTEND = 'sds.default.update_success';
const asRoot = process.getuid?.() === 0;

const partner = TestCa.create('partner.example');
const neighbour = TestCa.create('neighbour.example');
let daemon: Daemon;
let program: ReturnType<typeof envoyProgram>;
let service: Server;
let port: { readonly service: number; readonly backend: number; readonly frontend: number };
let backend: Envoy;
let frontend: Envoy;
let load: Load;

beforeAll(async () => {
  program = envoyProgram();
  daemon = await Daemon.start({ config: LIVES });
  writeFileSync(join(daemon.folder, 'partner.pem'), pem(partner.der));
  run('bin/assay bundle set neighbour.example', pem(neighbour.der));
  for (const command of commandsOf('docs/envoy.md').trim().split('\n')) run(command);
  port = { service: await freePort(), backend: await freePort(), frontend: await freePort() };
  service = createServer((_, answer) => answer.end('served'));
  await new Promise<void>((resolve) => service.listen(port.service, '127.0.0.1', resolve));
  const start = (at: number, uid: number): Promise<Envoy> =>
    Envoy.start({ program: program.path, config: configured(at), uid: asRoot ? uid : undefined });
  [frontend, backend] = [await start(1, 2001), await start(0, 2002)];
  await Promise.all([frontend.until(FRONTEND, 1), backend.until(BACKEND, 1)]);
  load = new Load(port.frontend);
  await load.begun();
});

afterAll(async () => {
  load?.stop();
  await frontend?.stop();
  await backend?.stop();
  service?.close();
  await daemon?.close();
  program?.remove();
});

/** One command of the page. */
function run(command: string, input = ''): void {
  const mine = command
    .replace('partner.pem', join(daemon.folder, 'partner.pem'))
    .replace(/unix:uid:\d+/, (selector) => (asRoot ? selector : `unix:uid:${process.getuid?.()}`));
  execFileSync('/bin/sh', ['-euc', `${mine} --admin-socket ${daemon.adminSocket}`], { cwd: top, input });
}

/** As shown, on other ports; each connection between the Envoys carries one request, so that each request is a handshake. */
function configured(at: number): string {
  return shownConfig(at)
    .replaceAll('/run/assay/workload/api.sock', daemon.workloadSocket)
    .replaceAll('port_value: 8080', `port_value: ${port.service}`)
    .replaceAll('port_value: 8443', `port_value: ${port.backend}`)
    .replaceAll('port_value: 9090', `port_value: ${port.frontend}`)
    .replace('prefix: "spiffe://partner.example/"', 'prefix: "spiffe://"')
    .replace('name: default\n', `name: ${asRoot ? 'default' : 'spiffe://example.org/frontend'}\n`)
    .replace(
      '    - name: backend\n      load',
      `    - name: backend
      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          common_http_protocol_options: { max_requests_per_connection: 1 }
          explicit_http_config: { http_protocol_options: {} }
      load`,
    );
}

/** Requests one after another in four lanes, none of which may fail. */
class Load {
  readonly failures: string[] = [];
  served = 0;
  readonly #port: number;
  #stopped = false;

  constructor(to: number) {
    this.#port = to;
  }

  /** The listener of an Envoy opens once it has its secrets. */
  async begun(): Promise<void> {
    while ((await this.#ask()) !== 'served') await sleep(50);
    for (let lane = 0; lane < 4; lane += 1) void this.#go();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #go(): Promise<void> {
    while (!this.#stopped) {
      const answer = await this.#ask();
      if (answer === 'served') this.served += 1;
      else this.failures.push(answer);
      await sleep(5);
    }
  }

  #ask(): Promise<string> {
    return new Promise((resolve) => {
      const asked = request({ host: '127.0.0.1', port: this.#port, agent: false }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => resolve(answer.statusCode === 200 ? text : `${answer.statusCode} ${text}`));
        answer.on('error', (error) => resolve(error.message));
      });
      asked.on('error', (error) => resolve(error.message));
      asked.end();
    });
  }
}

/** What the Envoy of `backend` answers to a caller of another trust domain. */
function call(ca: TestCa, spiffeId: string): Promise<string> {
  const svid = ca.issue(spiffeId);
  const identity = { cert: svid.chain.map(pem).join(''), key: keyPem(svid.pkcs8) };
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port: port.backend, agent: false, rejectUnauthorized: false, ...identity };
    const asked = requestTls(options, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(String(answer.statusCode)));
    });
    asked.on('error', () => resolve('refused'));
    asked.end();
  });
}

describe('two Envoys', () => {
  it('SDS-15: carry every request through three rotations of both, and a new authority', async () => {
    const before = [await frontend.stat(FRONTEND), await backend.stat(BACKEND)] as const;
    await daemon.admin.call('PrepareAuthority');
    await daemon.admin.call('ActivateAuthority', { now: true });
    await Promise.all([frontend.until(FRONTEND, before[0] + 3), backend.until(BACKEND, before[1] + 3)]);
    const served = load.served;
    while (load.served < served + 50) await sleep(20);
    expect(load.failures).toEqual([]);
    expect(await frontend.stat('sds.ROOTCA.update_success')).toBeGreaterThan(1);
    for (const [envoy, name] of [
      [frontend, 'sds.ROOTCA'],
      [frontend, 'sds.default'],
      [backend, 'sds.ALL'],
    ] as const)
      expect(await envoy.stat(`${name}.update_rejected`)).toBe(0);
  });

  it('SDS-04, SDS-07: believe a trust domain that the workload federates with, and not its neighbour', async () => {
    expect(await call(partner, 'spiffe://partner.example/client')).toBe('200');
    expect(await call(neighbour, 'spiffe://neighbour.example/client')).toBe('refused');
    expect(await call(partner, 'spiffe://example.org/frontend')).toBe('refused');
    expect(await call(partner, 'spiffe://neighbour.example/client')).toBe('refused');
  });

  it('SDS-15: follow a bundle that is taken away', async () => {
    const count = await backend.stat('sds.ALL.update_success');
    run('bin/assay bundle delete partner.example --mode dissociate');
    await backend.until('sds.ALL.update_success', count + 1);
    const until = Date.now() + 20_000;
    while ((await call(partner, 'spiffe://partner.example/client')) !== 'refused') {
      if (Date.now() > until) throw new Error('the trust domain is still believed');
      await sleep(100);
    }
    expect(load.failures).toEqual([]);
  });

  it('CLI-17: keep serving while the daemon is killed, and follow it again when it is back', async () => {
    await daemon.kill();
    const served = load.served;
    while (load.served < served + 100) await sleep(20);
    await sleep(1_000);
    const [one, two] = [await frontend.stat(FRONTEND), await backend.stat(BACKEND)];
    await daemon.start();
    await Promise.all([frontend.until(FRONTEND, one + 2), backend.until(BACKEND, two + 2)]);
    expect(load.failures).toEqual([]);
  });

  it('I3: leave a row of every certificate that they were given', async () => {
    const { svids } = await daemon.admin.call('ListSvids', { page_size: 1_000 });
    const rows = new Map<string, number>();
    for (const { pid, spiffe_id } of svids) rows.set(`${pid} ${spiffe_id}`, (rows.get(`${pid} ${spiffe_id}`) ?? 0) + 1);
    expect([...rows.keys()].sort()).toEqual(
      [`${frontend.pid} spiffe://example.org/frontend`, `${backend.pid} spiffe://example.org/backend`].sort(),
    );
    for (const count of rows.values()) expect(count).toBeGreaterThan(4);
  });
});
