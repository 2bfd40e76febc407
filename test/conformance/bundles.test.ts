// SPDX-License-Identifier: Apache-2.0
/** Our bundle and those of others, as a real daemon serves and publishes them. */
import { X509Certificate } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TrustDomain } from '../../src/identity/trust-domain.ts';
import { parseCrl, verifyCrl } from '../../src/x509/crl-parse.ts';
import { verifySvidChain } from '../../src/x509/verify.ts';
import { Daemon } from '../support/daemon.ts';
import { emptyRegistry } from '../support/empty-registry.ts';
import { nodesIn } from '../support/read-certificate.ts';
import { TestCa } from '../support/test-ca.ts';
import { type Messages, WorkloadClient, type X509Message } from '../support/workload-client.ts';

const uid = process.getuid?.() ?? 0;
const mine = [`unix:uid:${uid}`];
const OWN = 'spiffe://example.org';

let plain: Daemon;
let daemon: Daemon;
let client: WorkloadClient;

beforeAll(async () => {
  plain = await Daemon.start();
});

afterAll(() => plain?.close());

beforeEach(() => {
  daemon = plain;
  client = new WorkloadClient(daemon.workloadSocket);
});

afterEach(async () => {
  client.close();
  if (daemon === plain) await emptyRegistry(plain.admin);
  else await daemon.close();
});

/** Another daemon for this test alone. */
async function startWith(...config: readonly string[]): Promise<void> {
  daemon = await Daemon.start({ config });
  client.close();
  client = new WorkloadClient(daemon.workloadSocket);
}

const setBundle = (trustDomain: string, ...roots: readonly TestCa[]): Promise<unknown> =>
  daemon.admin.call('SetBundle', {
    trust_domain: trustDomain,
    format: 'pem',
    document: Buffer.from(roots.map((root) => new X509Certificate(root.der).toString()).join('')),
  });

interface Published {
  readonly sequence: number;
  readonly refresh_hint_seconds: number;
  readonly x509_certificates: readonly Buffer[];
  readonly text: string;
  readonly document: {
    readonly keys: readonly Record<string, unknown>[];
    readonly spiffe_sequence: number;
    readonly spiffe_refresh_hint: number;
  };
}

async function published(): Promise<Published> {
  const { bundle } = await daemon.admin.call('GetOwnBundle');
  return { ...bundle, text: bundle.spiffe_document, document: JSON.parse(bundle.spiffe_document) };
}

describe('FetchX509Bundles', () => {
  it('WAPI-19, BUN-11: answers with our bundle and those the caller federates with, each under its trust domain', async () => {
    const roots = [TestCa.create('other.example'), TestCa.create('other.example')];
    await setBundle('other.example', ...roots);
    await setBundle('stranger.example', TestCa.create('stranger.example'));
    await daemon.admin.createEntry({
      spiffe_id: `${OWN}/a`,
      selectors: mine,
      federates_with: ['other.example', 'not-set.example'],
    });
    const { bundles, crl } = await client.fetchX509Bundles().at(1);
    expect(Object.keys(bundles).sort()).toEqual([OWN, 'spiffe://other.example']);
    expect(nodesIn(bundles['spiffe://other.example'] as Buffer).map((n) => n.whole)).toEqual(roots.map((r) => r.der));
    expect(bundles[OWN]).toEqual(Buffer.concat([...(await published()).x509_certificates]));
    // One of each of our authorities that may have signed something.
    expect(crl).toHaveLength(1);
    verifyCrl(parseCrl(crl?.[0] as Buffer), (await published()).x509_certificates[0] as Buffer);
  });

  it('WAPI-20: is refused to a caller entitled to nothing', async () => {
    const stream = client.fetchX509Bundles();
    expect((await stream.status).code).toBe(grpc.status.PERMISSION_DENIED);
    expect(stream.received).toEqual([]);
  });

  it('WAPI-20: by choice of the operator gives such a caller our own bundle alone', async () => {
    await startWith('workload_api: { allow_unauthenticated_verifiers: true }');
    await setBundle('other.example', TestCa.create('other.example'));
    const stream = client.fetchX509Bundles();
    expect(Object.keys((await stream.at(1)).bundles)).toEqual([OWN]);
    const svids = client.fetchX509Svid();
    expect((await svids.status).code).toBe(grpc.status.PERMISSION_DENIED);
    stream.cancel();
  });

  it('WAPI-06, WAPI-07: pushes a changed bundle, and one that is set again as it was not', async () => {
    const [one, two] = [TestCa.create('other.example'), TestCa.create('other.example')];
    await setBundle('other.example', one);
    await daemon.admin.createEntry({ spiffe_id: `${OWN}/a`, selectors: mine, federates_with: ['other.example'] });
    const stream = client.fetchX509Bundles();
    await stream.at(1);
    await setBundle('other.example', one);
    await daemon.admin.createEntry({ spiffe_id: `${OWN}/b`, selectors: mine });
    await setBundle('other.example', one, two);
    expect(nodesIn((await stream.at(2)).bundles['spiffe://other.example'] as Buffer)).toHaveLength(2);
    expect(stream.received).toHaveLength(2);
  });

  it('WAPI-35: leaves out a trust domain whose bundle was deleted', async () => {
    await setBundle('other.example', TestCa.create('other.example'));
    await daemon.admin.createEntry({ spiffe_id: `${OWN}/a`, selectors: mine, federates_with: ['other.example'] });
    const stream = client.fetchX509Bundles();
    await stream.at(1);
    await daemon.admin.call('DeleteBundle', { trust_domain: 'other.example', mode: 'dissociate' });
    expect(Object.keys((await stream.at(2)).bundles)).toEqual([OWN]);
  });
});

/** A second authority, whatever the tests before this one made. */
async function prepared(): Promise<void> {
  if ((await published()).x509_certificates.length < 2) await daemon.admin.call('PrepareAuthority');
}

describe('our bundle document', () => {
  it('BUN-03: has a sequence that grows with its content, and with nothing else, over a restart', async () => {
    const first = await published();
    expect(first.document.spiffe_sequence).toBe(first.sequence);
    await daemon.admin.createEntry({ spiffe_id: `${OWN}/a`, selectors: mine });
    await setBundle('other.example', TestCa.create('other.example'));
    expect((await published()).document).toEqual(first.document);
    await prepared();
    const second = await published();
    expect(second.document.keys).toHaveLength(first.document.keys.length + 1);
    expect(second.sequence).toBeGreaterThan(first.sequence);
    await daemon.stop();
    await daemon.start();
    expect((await published()).document).toEqual(second.document);
  });

  it('BUN-05: has a hint in whole seconds, a minute at least', async () => {
    const { document, refresh_hint_seconds } = await published();
    expect(document.spiffe_refresh_hint).toBe(refresh_hint_seconds);
    expect(Number.isInteger(document.spiffe_refresh_hint)).toBe(true);
    expect(document.spiffe_refresh_hint).toBeGreaterThanOrEqual(60);
    expect(document.spiffe_refresh_hint).toBeLessThanOrEqual(300);
  });

  it('BUN-10, X509-22, X509-24, CLI-14, CLI-15: has of each CA its one certificate and its public key, and no more', async () => {
    await prepared();
    const { document, x509_certificates, text } = await published();
    expect(text).toMatch(/"spiffe_sequence": ?[1-9]\d*[,}\s]/);
    expect(text).toMatch(/"spiffe_refresh_hint": ?[1-9]\d*[,}\s]/);
    expect(Object.keys(document).sort()).toEqual(['keys', 'spiffe_refresh_hint', 'spiffe_sequence']);
    const [first, second, token, ...others] = document.keys;
    expect(others).toEqual([]);
    expect(Object.keys(token as object).sort()).toEqual(['crv', 'kid', 'kty', 'use', 'x', 'y']);
    for (const [at, key] of [first, second].entries()) {
      if (key === undefined) throw new Error('a CA is missing');
      expect(Object.keys(key).sort()).toEqual(['crv', 'kty', 'use', 'x', 'x5c', 'y']);
      expect(key['use']).toBe('x509-svid');
      const [x5c, ...more] = key['x5c'] as string[];
      expect(more).toEqual([]);
      expect(x5c).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
      const der = Buffer.from(x5c as string, 'base64');
      expect(der).toEqual(x509_certificates[at]);
      const { kty, crv, x, y } = new X509Certificate(der).publicKey.export({ format: 'jwk' });
      expect([key['kty'], key['crv'], key['x'], key['y']]).toEqual([kty, crv, x, y]);
    }
  });
});

describe('a foreign bundle document', () => {
  const jwk = (...roots: readonly TestCa[]): object => ({
    use: 'x509-svid',
    ...new X509Certificate((roots[0] as TestCa).der).publicKey.export({ format: 'jwk' }),
    x5c: roots.map((root) => root.der.toString('base64')),
  });

  it('AMB-05, AMB-06, AMB-10, X509-26: is read leniently: first certificate, any CA name, unknown uses passed over', async () => {
    const [first, second] = [TestCa.create('other.example'), TestCa.create('other.example')];
    const slash = TestCa.create('other.example', { uris: ['spiffe://other.example/'] });
    const document = { keys: [jwk(first, second), jwk(slash), { ...jwk(second), use: 'sig' }], spiffe_sequence: 7 };
    await daemon.admin.call('SetBundle', {
      trust_domain: 'other.example',
      format: 'spiffe',
      document: Buffer.from(JSON.stringify(document)),
    });
    await daemon.admin.createEntry({ spiffe_id: `${OWN}/a`, selectors: mine, federates_with: ['other.example'] });
    const { bundles } = await client.fetchX509Bundles().at(1);
    expect(bundles['spiffe://other.example']).toEqual(Buffer.concat([first.der, slash.der]));
  });

  it('BUN-02: that is empty revokes: the trust domain is withdrawn from those who follow it', async () => {
    await setBundle('other.example', TestCa.create('other.example'));
    await daemon.admin.createEntry({ spiffe_id: `${OWN}/a`, selectors: mine, federates_with: ['other.example'] });
    const stream = client.fetchX509Bundles();
    expect(Object.keys((await stream.at(1)).bundles)).toContain('spiffe://other.example');
    const empty = { trust_domain: 'other.example', format: 'spiffe', document: Buffer.from('{"keys":[]}') };
    await daemon.admin.call('SetBundle', empty);
    expect(Object.keys((await stream.at(2)).bundles)).toEqual([OWN]);
  });

  it('BUN-12, FED-19: vouches for its own trust domain and for no other, through all that a workload is given', async () => {
    const td = (name: string): TestCa => TestCa.create(name);
    const roots = new Map(['one.example', 'two.example'].map((name) => [name, td(name)]));
    for (const [name, root] of roots) await setBundle(name, root);
    const federates_with = [...roots.keys()];
    await daemon.admin.createEntry({ spiffe_id: `${OWN}/a`, selectors: mine, federates_with });
    const { bundles } = await client.fetchX509Bundles().at(1);
    const anchorsOf = (name: TrustDomain): Buffer[] => nodesIn(bundles[name.id] ?? Buffer.alloc(0)).map((n) => n.whole);
    const verify = (signer: string, id: string): string => {
      const leaf = (roots.get(signer) as TestCa).issue(id);
      return verifySvidChain(leaf.chain, anchorsOf, Date.now()).spiffeId.toString();
    };
    for (const name of roots.keys()) expect(verify(name, `spiffe://${name}/x`)).toBe(`spiffe://${name}/x`);
    for (const [signer, named] of [
      ['one.example', 'two.example'],
      ['two.example', 'one.example'],
      ['one.example', 'example.org'],
      ['one.example', 'unknown.example'],
    ] as const)
      expect(() => verify(signer, `spiffe://${named}/x`)).toThrow();
  });
});

describe('the authority that signs', () => {
  it('BUN-18: was in the bundle that every caller held before it signed', async () => {
    await startWith('ca: { ttl: 60s, insecure_short_ca: true }', 'svid: { x509_ttl: 10s }');
    await daemon.admin.createEntry({ spiffe_id: `${OWN}/a`, selectors: mine });
    const stream = client.fetchX509Svid();
    await stream.at(1);
    await daemon.admin.call('PrepareAuthority');
    let held = await anchors(stream, 2);
    expect(held).toHaveLength(2);
    await daemon.admin.call('ActivateAuthority', { now: true });
    const signers = new Set<string>();
    for (let at = 3; !signers.has(held[1]?.fingerprint256 as string); at += 1) {
      const leaf = new X509Certificate((await stream.at(at)).svids[0]?.x509_svid as Buffer);
      const signer = held.find((anchor) => leaf.checkIssued(anchor) && leaf.verify(anchor.publicKey));
      expect(signer).toBeDefined();
      if (signer) signers.add(signer.fingerprint256);
      held = await anchors(stream, at);
    }
  });
});

async function anchors(stream: Messages<X509Message>, at: number): Promise<X509Certificate[]> {
  const bundle = (await stream.at(at)).svids[0]?.bundle as Buffer;
  return nodesIn(bundle).map((node) => new X509Certificate(node.whole));
}
