// SPDX-License-Identifier: Apache-2.0
/** Section 7 of the conformance page, X.509 profile: what one caller sees on its streams, from a real daemon. */
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCrl, verifyCrl } from '../../src/x509/crl-parse.ts';
import { splitCertificates } from '../../src/x509/parse.ts';
import { Daemon } from '../support/daemon.ts';
import { emptyRegistry } from '../support/empty-registry.ts';
import { nodesIn, readCertificate } from '../support/read-certificate.ts';
import { TestCa } from '../support/test-ca.ts';
import { WorkloadClient, type X509Message } from '../support/workload-client.ts';

const uid = process.getuid?.() ?? 0;
const mine = [`unix:uid:${uid}`];

let daemon: Daemon;
let client: WorkloadClient;

beforeAll(async () => {
  // Hashing Node takes its time where many do it at once.
  daemon = await Daemon.start({ config: ['limits: { attestation_timeout: 60s }'] });
});

afterAll(() => daemon?.close());

beforeEach(() => {
  client = new WorkloadClient(daemon.workloadSocket);
});

afterEach(async () => {
  client.close();
  await emptyRegistry(daemon.admin);
});

const entry = (name: string, more: object = {}): Promise<{ id: string }> =>
  daemon.admin.createEntry({ spiffe_id: `spiffe://example.org/${name}`, selectors: mine, ...more }) as Promise<{
    id: string;
  }>;
const names = (message: X509Message): string[] =>
  message.svids.map((svid) => svid.spiffe_id.slice('spiffe://example.org/'.length));
const setBundle = (trustDomain: string, ...roots: readonly TestCa[]): Promise<unknown> =>
  daemon.admin.call('SetBundle', {
    trust_domain: trustDomain,
    format: 'pem',
    document: Buffer.from(roots.map((root) => new X509Certificate(root.der).toString()).join('')),
  });

describe('FetchX509SVID', () => {
  it('WAPI-04, WAPI-11, WAPI-39: answers at once, one SVID for each granted identity, and the CRL of each authority', async () => {
    for (const name of ['a', 'b', 'c']) await entry(name);
    // Nothing is due for half an hour, so a message that waited for anything would not come within this test.
    const message = await client.fetchX509Svid().at(1);
    expect(names(message)).toEqual(['a', 'b', 'c']);
    expect(message.crl).toHaveLength(1);
    verifyCrl(parseCrl(message.crl?.[0] as Buffer), splitCertificates(message.svids[0]?.bundle as Buffer)[0] as Buffer);
  });

  it('WAPI-05, WAPI-06: pushes the whole state when an identity is added', async () => {
    await entry('a');
    const stream = client.fetchX509Svid();
    const first = await stream.at(1);
    await entry('b');
    const second = await stream.at(2);
    expect(names(second)).toEqual(['a', 'b']);
    expect(second.svids[0]?.x509_svid).toEqual(first.svids[0]?.x509_svid);
    expect(second.svids[0]?.x509_svid_key).toEqual(first.svids[0]?.x509_svid_key);
  });

  it('WAPI-06: pushes a changed entry and a prepared authority', async () => {
    const { id } = await entry('a');
    const stream = client.fetchX509Svid();
    const first = await stream.at(1);
    await daemon.admin.call('UpdateEntry', { id, entry: { dns_names: ['a.example'] }, fields: ['dns_names'] });
    const second = await stream.at(2);
    expect(new X509Certificate(second.svids[0]?.x509_svid as Buffer).subjectAltName).toContain('DNS:a.example');
    await daemon.admin.call('PrepareAuthority');
    const third = await stream.at(3);
    expect(nodesIn(first.svids[0]?.bundle as Buffer)).toHaveLength(1);
    expect(nodesIn(third.svids[0]?.bundle as Buffer)).toHaveLength(2);
    expect(third.svids[0]?.x509_svid).toEqual(second.svids[0]?.x509_svid);
  });

  it('WAPI-05, WAPI-06: tells of a removal that comes together with an addition', async () => {
    for (let round = 0; round < 10; round += 1) {
      await entry('stays');
      const { id } = await entry('goes');
      const stream = client.fetchX509Svid();
      expect(names(await stream.at(1))).toEqual(['stays', 'goes']);
      await Promise.all([daemon.admin.call('DeleteEntry', { id }), entry('comes')]);
      let last: string[] = [];
      for (let at = 2; !last.includes('comes') || last.includes('goes'); at += 1) last = names(await stream.at(at));
      expect(last).toEqual(['stays', 'comes']);
      stream.cancel();
      await emptyRegistry(daemon.admin);
    }
  });

  it('WAPI-06: pushes what an entry gives that names the digest of the program, which nobody asked for before', async () => {
    await entry('a');
    const stream = client.fetchX509Svid();
    await stream.at(1);
    const digest = createHash('sha256').update(readFileSync(process.execPath)).digest('hex');
    await entry('b', { selectors: [...mine, `unix:sha256:${digest}`] });
    expect(names(await stream.at(2))).toEqual(['a', 'b']);
  }, 90_000);

  it('WAPI-07, CLI-24: pushes nothing when nothing of the caller’s changed', async () => {
    const { id } = await entry('a');
    const stream = client.fetchX509Svid();
    await stream.at(1);
    await daemon.admin.createEntry({ spiffe_id: 'spiffe://example.org/x', selectors: ['unix:uid:4000000'] });
    await setBundle('other.example', TestCa.create('other.example'));
    await daemon.admin.call('UpdateEntry', { id, entry: { x509_ttl_seconds: 3600 }, fields: ['x509_ttl_seconds'] });
    await entry('last');
    expect(names(await stream.at(2))).toEqual(['a', 'last']);
    expect(stream.received).toHaveLength(2);
  });

  it('WAPI-12, CLI-01: ends with PERMISSION_DENIED when the last grant goes, after no empty message', async () => {
    const { id } = await entry('a');
    const stream = client.fetchX509Svid();
    await stream.at(1);
    await daemon.admin.call('DeleteEntry', { id });
    expect((await stream.status).code).toBe(grpc.status.PERMISSION_DENIED);
    expect(stream.received).toHaveLength(1);
    const again = client.fetchX509Svid();
    expect((await again.status).code).toBe(grpc.status.PERMISSION_DENIED);
    expect(again.received).toEqual([]);
  });

  it('WAPI-10, CLI-05, CLI-07, CLI-21: leaves no mandatory field empty and sends one bundle, back to back DER', async () => {
    await entry('plain');
    await entry('hinted', { hint: 'h' });
    await entry('named', { dns_names: ['a.example'] });
    await entry('short', { x509_ttl_seconds: 60 });
    const { svids } = await client.fetchX509Svid().at(1);
    expect(svids).toHaveLength(4);
    for (const svid of svids) {
      for (const field of [svid.spiffe_id, svid.x509_svid, svid.x509_svid_key, svid.bundle])
        expect(field.length).toBeGreaterThan(0);
      // Throws when a byte is left over.
      expect(nodesIn(svid.x509_svid)).toHaveLength(1);
      expect(nodesIn(svid.bundle).length).toBeGreaterThan(0);
      expect(svid.bundle).toEqual(svids[0]?.bundle);
    }
  });

  it('WAPI-15, CLI-06: keeps our anchors out of federated_bundles, whose keys are trust domain IDs', async () => {
    const root = TestCa.create('other.example');
    await setBundle('other.example', root);
    await entry('a', { federates_with: ['other.example'] });
    const { svids, federated_bundles } = await client.fetchX509Svid().at(1);
    expect(Object.keys(federated_bundles)).toEqual(['spiffe://other.example']);
    expect(federated_bundles['spiffe://other.example']).toEqual(root.der);
    expect(svids[0]?.bundle.includes(root.der)).toBe(false);
    await expect(entry('b', { federates_with: ['example.org'] })).rejects.toThrow(/own/);
  });

  it('WAPI-16, CLI-08: sends one of two identities with the same hint, the older', async () => {
    await entry('older', { hint: 'x' });
    await entry('newer', { hint: 'x' });
    await entry('none');
    await entry('none-too');
    const message = await client.fetchX509Svid().at(1);
    expect(names(message)).toEqual(['older', 'none', 'none-too']);
    expect(message.svids.map((svid) => svid.hint)).toEqual(['x', '', '']);
  });

  it('WAPI-17: has hints of up to 1024 bytes; more are refused when the entry is made', async () => {
    await entry('a', { hint: 'h'.repeat(1024) });
    await expect(entry('b', { hint: 'h'.repeat(1025) })).rejects.toThrow(/hint/);
    await expect(entry('c', { hint: 'ü'.repeat(513) })).rejects.toThrow(/hint/);
    expect((await client.fetchX509Svid().at(1)).svids.map((svid) => svid.hint.length)).toEqual([1024]);
  });

  it('WAPI-18: has the same first SVID in every answer, after changes and over a restart', async () => {
    for (const name of ['m', 'z', 'a']) await entry(name);
    const order = ['m', 'z', 'a'];
    for (let i = 0; i < 30; i += 1) {
      const stream = client.fetchX509Svid();
      expect(names(await stream.at(1))).toEqual(order);
      stream.cancel();
    }
    await entry('0');
    await daemon.stop();
    await daemon.start();
    const after = new WorkloadClient(daemon.workloadSocket);
    expect(names(await after.fetchX509Svid().at(1))).toEqual([...order, '0']);
    after.close();
  }, 60_000);

  it('WAPI-35: withdraws a federated trust domain by leaving it out; a new stream begins with all there is', async () => {
    await setBundle('one.example', TestCa.create('one.example'));
    await setBundle('two.example', TestCa.create('two.example'));
    const { id } = await entry('a', { federates_with: ['one.example', 'two.example'] });
    const stream = client.fetchX509Svid();
    expect(Object.keys((await stream.at(1)).federated_bundles)).toHaveLength(2);
    await daemon.admin.call('UpdateEntry', {
      id,
      entry: { federates_with: ['two.example'] },
      fields: ['federates_with'],
    });
    const second = await stream.at(2);
    expect(Object.keys(second.federated_bundles)).toEqual(['spiffe://two.example']);
    expect(names(second)).toEqual(['a']);
    const fresh = await client.fetchX509Svid().at(1);
    expect([names(fresh), Object.keys(fresh.federated_bundles)]).toEqual([['a'], ['spiffe://two.example']]);
  });

  it.each(['__proto__', 'constructor'])('ID-19, B7: takes %s for the trust domain it is', async (name) => {
    const root = TestCa.create(name);
    await setBundle(name, root);
    await setBundle('other.example', TestCa.create('other.example'));
    await entry(`${name}/${name}`, { federates_with: [name, 'other.example'], hint: name });
    const { svids, federated_bundles } = await client.fetchX509Svid().at(1);
    expect(svids.map((svid) => [svid.spiffe_id, svid.hint])).toEqual([[`spiffe://example.org/${name}/${name}`, name]]);
    expect(Object.keys(federated_bundles).sort()).toEqual([`spiffe://${name}`, 'spiffe://other.example'].sort());
    expect(federated_bundles[`spiffe://${name}`]).toEqual(root.der);
  });
});

describe('an entry', () => {
  it('ID-13, ID-14: may have an ID of 2048 bytes, which is issued as it stands, and none of more', async () => {
    const longest = `spiffe://example.org/${'p'.repeat(2048 - 'spiffe://example.org/'.length)}`;
    await daemon.admin.createEntry({ spiffe_id: longest, selectors: mine });
    const [svid] = (await client.fetchX509Svid().at(1)).svids;
    expect(svid?.spiffe_id).toBe(longest);
    expect(readCertificate(svid?.x509_svid as Buffer).uris).toEqual([longest]);
    await expect(daemon.admin.createEntry({ spiffe_id: `${longest}p`, selectors: mine })).rejects.toThrow(/2048/);
  });

  it.each([
    ['ID-18', 'spiffe://other.example/a'],
    ['ID-17, X509-03', 'spiffe://example.org'],
    ['ID-10', 'spiffe://example.org/a/'],
    ['AMB-01', 'spiffe://Example.org/a'],
  ])('%s: is refused for %s, and nobody gets it', async (_row, spiffe_id) => {
    await expect(daemon.admin.createEntry({ spiffe_id, selectors: mine })).rejects.toThrow(/spiffe_id/);
    expect((await client.fetchX509Svid().status).code).toBe(grpc.status.PERMISSION_DENIED);
  });
});

describe('a daemon that starts', () => {
  it('CLI-22: answers with all or not at all', async () => {
    const domains = ['one.example', 'two.example', 'three.example'];
    for (const name of domains) await setBundle(name, TestCa.create(name));
    const count = 30;
    for (let i = 0; i < count; i += 1)
      await entry(`e${String(i).padStart(2, '0')}`, { federates_with: [domains[i % domains.length] as string] });
    for (let round = 0; round < 2; round += 1) {
      await (round === 1 ? daemon.kill() : daemon.stop());
      const watching = { on: true };
      const first = firstMessage(watching);
      await daemon.start();
      const message = await first;
      expect(names(message)).toHaveLength(count);
      expect(Object.keys(message.federated_bundles)).toHaveLength(domains.length);
    }
  }, 90_000);
});

/** Asks again and again while there is no socket, so as to be the first caller there is. */
async function firstMessage(watching: { readonly on: boolean }): Promise<X509Message> {
  while (watching.on) {
    const eager = new WorkloadClient(daemon.workloadSocket);
    const stream = eager.fetchX509Svid();
    try {
      return await stream.at(1);
    } catch {
      expect((await stream.status).code).toBe(grpc.status.UNAVAILABLE);
    } finally {
      eager.close();
    }
  }
  throw new Error('nobody waits any more');
}
