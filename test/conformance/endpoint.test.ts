// SPDX-License-Identifier: Apache-2.0
/** Section 6 of the conformance page at the socket of a real daemon. */
import { execFile } from 'node:child_process';
import { lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Caller, Callers, FETCH_SVID, HEADER } from '../support/callers.ts';
import { Daemon, top } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? it : it.skip;
const own = process.getuid?.() ?? 0;

const folder = tempDir('endpoint');
let daemon: Daemon;
let callers: Callers;

beforeAll(async () => {
  daemon = await Daemon.start();
  callers = new Callers();
  for (const uid of [own, 2001, 2002])
    await daemon.admin.createEntry({
      spiffe_id: `spiffe://example.org/uid/${uid}`,
      selectors: [`unix:uid:${uid}`],
    });
});

afterAll(async () => {
  await callers?.close();
  await daemon?.close();
});

const idsOf = async (caller: Caller): Promise<string[]> => (await caller.at(1)).svids.map((svid) => svid.spiffe_id);

function run(args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    execFile(join(top, 'bin/assay'), args, { encoding: 'utf8', timeout: 20_000 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });
}

describe('the workload endpoint', () => {
  it('WEP-01, WEP-03, WEP-04: answers a client that brings HTTP/2 in clear and the header, and nothing else', async () => {
    const caller = callers.call(daemon.workloadSocket);
    expect(await idsOf(caller)).toEqual([`spiffe://example.org/uid/${own}`]);
    await caller.kill();
  });

  it('WEP-07: is a unix socket unless told otherwise', async () => {
    const shown = await run(['config', 'show', '--trust-domain', 'example.org', '--data-dir', '/tmp/x']);
    expect(shown.output).toMatch(/^sockets\.workload +\/\S+\.sock +default$/m);
    expect(shown.code).toBe(0);
  });

  it.each(['tcp://0.0.0.0:8081', 'tcp://127.0.0.1:8081', '127.0.0.1:8081', 'api.sock'])(
    'WEP-08: is never at %s, where a source address would have to say who calls',
    async (address) => {
      const refused = await run([
        ...['run', '--trust-domain', 'example.org', '--data-dir', join(folder, 'data')],
        ...['--admin-socket', join(folder, 'admin/admin.sock'), '--workload-socket', address],
      ]);
      expect(refused.code).toBeGreaterThan(0);
      expect(refused.output).toContain(address);
      expect(refused.output).toMatch(/not absolute/);
    },
  );

  asRoot('WEP-05: gives two uids on one socket what is theirs', async () => {
    const both = [2001, 2002].map((uid) => callers.call(daemon.workloadSocket, { uid }));
    expect(await Promise.all(both.map(idsOf))).toEqual([
      ['spiffe://example.org/uid/2001'],
      ['spiffe://example.org/uid/2002'],
    ]);
    await Promise.all(both.map((caller) => caller.kill()));
  });

  asRoot('WEP-14: tells a caller without an identity PERMISSION_DENIED, and why', async () => {
    const caller = callers.call(daemon.workloadSocket, { uid: 2999 });
    const { code, message } = await caller.end;
    expect(code).toBe(grpc.status.PERMISSION_DENIED);
    expect(message).toContain('uid 2999');
    expect(caller.messages).toEqual([]);
  });

  it('WEP-18, AMB-08: wants the header of the Workload API alone', async () => {
    const bare = callers.call(daemon.workloadSocket, { method: FETCH_SVID, headers: {} });
    expect((await bare.end).code).toBe(grpc.status.INVALID_ARGUMENT);
    const health = callers.call(daemon.workloadSocket, { method: '/grpc.health.v1.Health/Check', headers: {} });
    expect((await health.end).code).toBe(grpc.status.OK);
  });

  it.each(['v1', 'v1alpha'])(
    'WEP-16, WEP-17: lists its services by reflection %s, without the header',
    async (version) => {
      const services = await reflect(version);
      expect(services).toContain('SpiffeWorkloadAPI');
      expect(services.filter((name) => !name.startsWith('grpc.')).sort()).toEqual([
        'SpiffeWorkloadAPI',
        'envoy.service.secret.v3.SecretDiscoveryService',
      ]);
    },
  );
});

describe('its socket file', () => {
  it('WEP-19: is open to any uid, in a folder that was made for it', () => {
    expect(lstatSync(daemon.workloadSocket).isSocket()).toBe(true);
    expect(statSync(daemon.workloadSocket).mode & 0o777).toBe(0o777);
    expect(statSync(dirname(daemon.workloadSocket)).mode & 0o777).toBe(0o755);
  });

  it('WEP-19: is replaced when a killed daemon left it behind', async () => {
    const before = lstatSync(daemon.workloadSocket).ino;
    await daemon.kill();
    expect(lstatSync(daemon.workloadSocket).ino).toBe(before);
    await daemon.start();
    const caller = callers.call(daemon.workloadSocket, { headers: HEADER, ...(isRoot ? { uid: 2001 } : {}) });
    expect(await idsOf(caller)).toEqual([`spiffe://example.org/uid/${isRoot ? 2001 : own}`]);
    await caller.kill();
  });
});

/** The services that reflection names. */
async function reflect(version: string): Promise<string[]> {
  const proto = join(top, 'proto/reflection.proto');
  const shape = (loadSync(proto)['grpc.reflection.v1.ServerReflection'] as ServiceDefinition)['ServerReflectionInfo'];
  if (!shape) throw new Error(`${proto} has no ServerReflectionInfo`);
  const client = new grpc.Client(`unix:${daemon.workloadSocket}`, grpc.credentials.createInsecure());
  const call = client.makeBidiStreamRequest(
    shape.path.replace('.v1.', `.${version}.`),
    shape.requestSerialize,
    shape.responseDeserialize as (bytes: Buffer) => { listServicesResponse?: { service: { name: string }[] } },
  );
  try {
    return await new Promise((resolve, reject) => {
      call.on('error', reject);
      call.on('data', (answer: { listServicesResponse?: { service: { name: string }[] } }) =>
        resolve((answer.listServicesResponse?.service ?? []).map(({ name }) => name)),
      );
      call.write({ listServices: '' });
    });
  } finally {
    call.cancel();
    client.close();
  }
}
