// SPDX-License-Identifier: Apache-2.0
/** Envoy's secret discovery as a real daemon serves it, with what it sends read by openssl. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Daemon } from '../support/daemon.ts';
import { emptyRegistry } from '../support/empty-registry.ts';
import {
  EnvoyClient,
  node,
  pemOf,
  type Response,
  SECRET_TYPE,
  type Secret,
  secretsOf,
  trustDomainsOf,
} from '../support/envoy-client.ts';
import { tempDir } from '../support/temp-dir.ts';
import { TestCa } from '../support/test-ca.ts';

const uid = process.getuid?.() ?? 0;
const mine = [`unix:uid:${uid}`];
const OWN = 'spiffe://example.org';
const PEM = '-----BEGIN CERTIFICATE-----';

interface Row {
  readonly serial: string;
  readonly spiffe_id: string;
  readonly delivered: boolean;
  readonly undelivered_reason: string;
}

const folder = tempDir('sds');
let plain: Daemon;
let daemon: Daemon;
let client: EnvoyClient;

beforeAll(async () => {
  plain = await Daemon.start();
});
afterAll(() => plain?.close());

beforeEach(() => {
  daemon = plain;
  client = new EnvoyClient(daemon.workloadSocket);
});
afterEach(async () => {
  client.close();
  if (daemon === plain) await emptyRegistry(plain.admin);
  else await daemon.close();
});

async function startWith(...config: readonly string[]): Promise<void> {
  daemon = await Daemon.start({ config });
  client.close();
  client = new EnvoyClient(daemon.workloadSocket);
}

const entry = (path: string, more: object = {}): Promise<unknown> =>
  daemon.admin.createEntry({ spiffe_id: `${OWN}/${path}`, selectors: mine, ...more });

const setBundle = (trustDomain: string, root: TestCa): Promise<unknown> =>
  daemon.admin.call('SetBundle', {
    trust_domain: trustDomain,
    format: 'pem',
    document: Buffer.from(new X509Certificate(root.der).toString()),
  });

async function secrets(names: readonly string[], more: object = {}): Promise<ReadonlyMap<string, Secret>> {
  return secretsOf(await client.fetch(names, more));
}

async function refused(names: readonly string[], more: object = {}): Promise<unknown> {
  const error = await client.fetch(names, more).then(
    () => {
      throw new Error('it was answered');
    },
    (reason: grpc.ServiceError) => reason,
  );
  return [grpc.status[error.code], error.details];
}

function openssl(args: readonly string[], input: string): string {
  return execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'ignore'] }).toString();
}

const idIn = (chain: string): string | undefined => new X509Certificate(chain).subjectAltName?.slice('URI:'.length);
const chainOf = (secret: Secret | undefined): string => pemOf(secret?.tls_certificate?.certificate_chain);

describe('what resource names mean', () => {
  beforeEach(async () => {
    await setBundle('other.example', TestCa.create('other.example'));
    await setBundle('stranger.example', TestCa.create('stranger.example'));
    await entry('first');
    await entry('second', { federates_with: ['other.example'] });
    await daemon.admin.createEntry({ spiffe_id: `${OWN}/theirs`, selectors: [`unix:uid:${uid + 1}`] });
  });

  it.each([
    [`${OWN}/second`, `${OWN}/second`],
    ['default', `${OWN}/first`],
  ])('SDS-01: %s is a certificate of that identity, under the name asked for', async (name, id) => {
    const found = await secrets([name]);
    expect([...found.keys()]).toEqual([name]);
    expect(idIn(chainOf(found.get(name)))).toBe(id);
  });

  it.each([
    [OWN, ['example.org']],
    ['spiffe://other.example', ['other.example']],
    ['ROOTCA', ['example.org']],
    ['ALL', ['example.org', 'other.example']],
  ])('SDS-01, SDS-04, SDS-07: %s is a validation context by the SPIFFE validator', async (name, trustDomains) => {
    const secret = (await secrets([name])).get(name);
    expect(trustDomainsOf(secret).map(([bare]) => bare)).toEqual(trustDomains);
    expect(secret?.validation_context?.trusted_ca ?? null).toBeNull();
  });

  it('SDS-01: an empty list is everything, and SDS-08: of one type', async () => {
    const response = await client.fetch([]);
    expect(response.type_url).toBe(SECRET_TYPE);
    const found = secretsOf(response);
    expect([...found.keys()]).toEqual([OWN, 'spiffe://other.example', `${OWN}/first`, `${OWN}/second`]);
    for (const id of [`${OWN}/first`, `${OWN}/second`]) expect(idIn(chainOf(found.get(id)))).toBe(id);
  });

  it('SDS-18: aliases and IDs are answered together', async () => {
    const names = ['ALL', 'ROOTCA', 'default', OWN, `${OWN}/first`];
    const found = await secrets(names);
    expect([...found.keys()]).toEqual(names);
    expect(chainOf(found.get('default'))).toBe(chainOf(found.get(`${OWN}/first`)));
  });

  it('SDS-03: somebody else’s names are answered as those that do not exist', async () => {
    const no = (name: string): unknown => ['INVALID_ARGUMENT', `resource_names: the caller has no "${name}"`];
    for (const name of [
      'nope',
      `${OWN}/theirs`,
      `${OWN}/nobody`,
      'spiffe://stranger.example',
      'spiffe://unset.example',
    ])
      expect(await refused(['default', name])).toEqual(no(name));
    expect(await refused(['z', `${OWN}/theirs`, 'default', 'b'])).toEqual([
      'INVALID_ARGUMENT',
      `resource_names: the caller has no "b", "${OWN}/theirs", "z"`,
    ]);
  });

  it('I3: only what was asked for has a row, and a refused request leaves none that says delivered', async () => {
    const rows = async (): Promise<readonly Row[]> =>
      (await daemon.admin.call('ListSvids', { page_size: 1_000 })).svids;
    const before = new Set((await rows()).map((row) => row.serial));
    const fresh = async (): Promise<readonly Row[]> => (await rows()).filter((row) => !before.has(row.serial));
    await secrets(['ROOTCA', 'ALL']);
    expect(await fresh()).toEqual([]);
    await secrets(['default', 'ROOTCA']);
    expect((await fresh()).map((row) => row.spiffe_id)).toEqual([`${OWN}/first`]);
    await refused(['default', 'nope']);
    let last: Row | undefined;
    while (last === undefined) last = (await fresh()).find((row) => !row.delivered);
    expect(last.undelivered_reason).toBe('resource_names: the caller has no "nope"');
    expect((await fresh()).map((row) => row.delivered).sort()).toEqual([false, true]);
  });
});

describe('what is sent', () => {
  it('SDS-02: openssl reads the chain, leaf first, its PKCS#8 key, and the anchors that it verifies by', async () => {
    await entry('a');
    await daemon.admin.call('PrepareAuthority');
    const found = await secrets(['default', OWN], { node: node({ disable_spiffe_cert_validation: true }) });
    const chain = chainOf(found.get('default'));
    const key = pemOf(found.get('default')?.tls_certificate?.private_key);
    const anchors = pemOf(found.get(OWN)?.validation_context?.trusted_ca);
    expect(openssl(['x509', '-noout', '-ext', 'subjectAltName'], chain)).toContain(`URI:${OWN}/a`);
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(openssl(['pkey', '-pubout'], key)).toBe(openssl(['x509', '-noout', '-pubkey'], chain));
    expect(anchors.split(PEM)).toHaveLength(3);
    for (const anchor of anchors.split(/(?=-----BEGIN)/))
      expect(openssl(['x509', '-noout', '-ext', 'subjectAltName'], anchor)).toMatch(/URI:spiffe:\/\/example.org\s*$/);
    writeFileSync(join(folder, 'anchors.pem'), anchors);
    writeFileSync(join(folder, 'chain.pem'), chain);
    const files = ['-CAfile', 'anchors.pem', '-untrusted', 'chain.pem', 'chain.pem'].map((one) =>
      one.endsWith('.pem') ? join(folder, one) : one,
    );
    expect(openssl(['verify', ...files], '')).toMatch(/: OK$/m);
  });

  it('SDS-05: is plain anchors where node metadata or an old Envoy ask for them', async () => {
    await entry('a');
    const isPlain = async (more: object): Promise<boolean> => {
      const context = (await secrets(['ROOTCA'], more)).get('ROOTCA')?.validation_context;
      return pemOf(context?.trusted_ca).startsWith(PEM) && !context?.custom_validator_config;
    };
    expect(await isPlain({})).toBe(false);
    expect(await isPlain({ node: node({ disable_spiffe_cert_validation: 'true' }) })).toBe(true);
    expect(await isPlain({ node: node({ disable_spiffe_cert_validation: 'yes' }) })).toBe(false);
    expect(await isPlain({ node: node({}, [1, 17]) })).toBe(true);
    expect(await isPlain({ node: node({}, [1, 18]) })).toBe(false);
  });

  it('SDS-05, SDS-06: is plain anchors where the configuration says so, unless metadata overrides it', async () => {
    await startWith('sds: { disable_spiffe_cert_validation: true, default_bundle_name: us }');
    await entry('a');
    expect(pemOf((await secrets(['us'])).get('us')?.validation_context?.trusted_ca)).toMatch(PEM);
    const overridden = await secrets(['us'], { node: node({ disable_spiffe_cert_validation: false }) });
    expect(trustDomainsOf(overridden.get('us')).map(([name]) => name)).toEqual(['example.org']);
    expect(await refused(['ALL'])).toEqual(['INTERNAL', expect.stringContaining('needs the SPIFFE validator')]);
    expect(await refused(['ROOTCA'])).toEqual(['INVALID_ARGUMENT', expect.stringContaining('"ROOTCA"')]);
  });
});

describe('a stream', () => {
  const serialIn = (response: Response): string =>
    new X509Certificate(chainOf(secretsOf(response).get('default'))).serialNumber;

  it('SDS-09, SDS-15: is pushed each rotation, to the names asked for last', async () => {
    await startWith('ca: { ttl: 60s, insecure_short_ca: true }', 'svid: { x509_ttl: 10s }');
    await entry('a');
    const stream = client.stream();
    stream.ask(['ROOTCA']);
    await stream.at(1);
    stream.accept(['default']);
    const first = await stream.at(2);
    stream.accept(['default']);
    const second = await stream.at(3);
    expect(serialIn(second)).not.toBe(serialIn(first));
    expect(stream.responses.map((one) => one.version_info)).toEqual(['1', '2', '3']);
    expect(new Set(stream.responses.map((one) => one.nonce)).size).toBe(3);
    stream.cancel();
  });

  it('SDS-15: is pushed our bundle and those of others when they change, and the end of a grant', async () => {
    const [one, two] = [TestCa.create('other.example'), TestCa.create('other.example')];
    await setBundle('other.example', one);
    const { id } = await daemon.admin.createEntry({
      spiffe_id: `${OWN}/a`,
      selectors: mine,
      federates_with: ['other.example'],
    });
    const stream = client.stream();
    stream.ask(['ALL']);
    const first = trustDomainsOf(secretsOf(await stream.at(1)).get('ALL'));
    await setBundle('other.example', two);
    const second = trustDomainsOf(secretsOf(await stream.at(2)).get('ALL'));
    expect(second[0]).toEqual(first[0]);
    expect(second[1]).not.toEqual(first[1]);
    await daemon.admin.call('DeleteEntry', { id });
    expect((await stream.status).code).toBe(grpc.status.PERMISSION_DENIED);
  });

  it('SDS-03, I1: ends when the identity asked for is withdrawn, while others stay', async () => {
    await entry('stays');
    const { id } = await daemon.admin.createEntry({ spiffe_id: `${OWN}/goes`, selectors: mine });
    const stream = client.stream();
    stream.ask([`${OWN}/goes`]);
    await stream.at(1);
    await daemon.admin.call('DeleteEntry', { id });
    const { code, details } = await stream.status;
    expect([code, details]).toEqual([3, `resource_names: the caller has no "${OWN}/goes"`]);
  });
});

describe('the door', () => {
  it('SDS-16: DeltaSecrets is UNIMPLEMENTED', async () => {
    const stream = client.stream('DeltaSecrets');
    stream.ask(['default']);
    expect((await stream.status).code).toBe(grpc.status.UNIMPLEMENTED);
  });

  it('SDS-17, WEP-18, AMB-08: needs no security header', async () => {
    await entry('a');
    expect([...(await secrets(['default'])).keys()]).toEqual(['default']);
  });

  it('SDS-17: a caller without an identity is refused, with the reason', async () => {
    expect(await refused(['default'])).toEqual(['PERMISSION_DENIED', expect.stringContaining('no registration entry')]);
  });

  it('is closed where it is switched off', async () => {
    await startWith('workload_api: { sds: false }');
    await entry('a');
    expect(await refused(['default'])).toEqual(['UNIMPLEMENTED', expect.stringContaining('does not serve')]);
  });
});
