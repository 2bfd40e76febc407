// SPDX-License-Identifier: Apache-2.0
/** CLI-25: what one caller can be given stays below what clients take. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon } from '../support/daemon.ts';
import { TestCa } from '../support/test-ca.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const uid = process.getuid?.() ?? 0;
const mine = [`unix:uid:${uid}`];

let daemon: Daemon;
let client: WorkloadClient;

beforeAll(async () => {
  daemon = await Daemon.start();
  client = new WorkloadClient(daemon.workloadSocket);
});

afterAll(async () => {
  client?.close();
  await daemon?.close();
});

/** Many at a time, so that they share their fsyncs. */
async function inGroups(count: number, work: (at: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += 50)
    await Promise.all(Array.from({ length: Math.min(50, count - from) }, (_, at) => work(from + at)));
}

describe('a client that takes 4 MiB, as grpc does unless told otherwise', () => {
  it('CLI-25: gets 200 SVIDs with long IDs and names', async () => {
    const long = 'p'.repeat(1000);
    await inGroups(200, (at) =>
      daemon.admin.createEntry({
        spiffe_id: `spiffe://example.org/many/${at}/${long}`,
        selectors: mine,
        dns_names: Array.from({ length: 5 }, (_, n) => `n${n}.e${at}.${'d'.repeat(60)}.example`),
        hint: `hint-${at}`,
      }),
    );
    const { svids } = await client.fetchX509Svid().at(1);
    expect(svids).toHaveLength(200);
    expect(new Set(svids.map((svid) => svid.hint)).size).toBe(200);
  }, 60_000);

  it('CLI-25: gets 100 foreign bundles beside them', async () => {
    const domains = Array.from({ length: 100 }, (_, at) => `td-${at}.example`);
    await inGroups(100, (at) => {
      const roots = [1, 2, 3].map(() => TestCa.create(domains[at] as string));
      return daemon.admin.call('SetBundle', {
        trust_domain: domains[at],
        format: 'pem',
        document: Buffer.from(roots.map((root) => new X509Certificate(root.der).toString()).join('')),
      });
    });
    const { entries } = await daemon.admin.call('ListEntries', { page_size: 2 });
    for (const [at, entry] of entries.entries())
      await daemon.admin.call('UpdateEntry', {
        id: entry.id,
        entry: { federates_with: domains.slice(at * 50, at * 50 + 50) },
        fields: ['federates_with'],
      });
    const { svids, federated_bundles } = await client.fetchX509Svid().at(1);
    expect(svids).toHaveLength(200);
    expect(Object.keys(federated_bundles)).toHaveLength(100);
    const { bundles } = await client.fetchX509Bundles().at(1);
    expect(Object.keys(bundles)).toHaveLength(101);
  }, 60_000);
});
